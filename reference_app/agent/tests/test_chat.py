from reference_app.agent import chat
from reference_app.agent.search import Index

SENTENCES = {
    "tide": ["The moon pulls the tide.", "High tide comes twice a day.", "Boats wait."],
    "rye": ["Rye bread needs a sour dough.", "The dough rests over night."],
    "crust": ["The crust of bread browns in the oven.", "Ovens get hot."],
}


def _ask(question, max_results=5):
    index = Index.build(
        [" ".join(each) for each in SENTENCES.values()],
        [{"slug": name, "title": name.title(), "label": "X"} for name in SENTENCES],
    )
    hits = index.search(question, max_results=max_results)
    sources = chat.context(question, hits, SENTENCES, index.embedder)
    return chat.answer(question, sources)


def test_an_answer_is_made_of_sentences_with_their_sources():
    answer = _ask("How often does high tide come?")
    assert "High tide comes twice a day." in answer.text
    assert answer.text.endswith("[1]")
    assert [each.slug for each in answer.sources] == ["tide"]
    assert answer.sources[0].path == "items/tide/README.md"


def test_several_sources_are_numbered_in_the_order_of_the_answer():
    answer = _ask("Which bread has dough and a crust?")
    assert {each.slug for each in answer.sources} == {"rye", "crust"}
    assert [each.number for each in answer.sources] == [1, 2]
    assert answer.text.index("[1]") < answer.text.index("[2]")


def test_nothing_is_said_that_no_note_says():
    answer = _ask("tide moon bread dough crust oven")
    quoted = [each for source in answer.sources for each in source.sentences]
    assert len(quoted) <= chat.SENTENCES
    for source in answer.sources:
        assert set(source.sentences) <= set(SENTENCES[source.slug])
        assert len(source.sentences) <= chat.PER_SOURCE


def test_a_question_without_an_answer_gets_none():
    answer = _ask("Who wrote the symphony?")
    assert answer.text == chat.NOTHING
    assert answer.to_json() == {
        "question": "Who wrote the symphony?",
        "text": chat.NOTHING,
        "sources": [],
        "found": False,
        "generated": False,
    }


def test_an_item_without_sentences_is_no_source():
    index = Index.build(["tide table"], [{"slug": "t", "title": "T", "label": "X"}])
    hits = index.search("tide")
    assert chat.context("tide", hits, {}, index.embedder) == []
