from reference_app.agent.synthesis import page, spread, subjects
from reference_app.agent.work import Entry

SEA = {
    "ebb": ["The tide falls at ebb.", "A boat lies on the sand."],
    "flood": ["The tide rises at flood.", "The moon pulls the tide."],
    "fog": ["Nobody sees the boat in fog."],
}
OTHERS = [["The moon is seen in a telescope."], ["Bread has a crust."]]


def _found():
    everywhere = spread([*SEA.values(), *OTHERS])
    return subjects(SEA, everywhere, len(SEA) + len(OTHERS))


def test_notes_meet_in_words_that_others_lack():
    found = {each.word: each for each in _found()}
    assert list(found) == ["boat", "tide"]
    assert found["tide"].notes == 2
    assert {name for name, _ in found["tide"].quotations} == {"ebb", "flood"}


def test_every_sentence_is_a_notes_own_and_comes_once():
    quoted = [each for subject in _found() for each in subject.quotations]
    assert all(sentence in SEA[name] for name, sentence in quoted)
    assert len(quoted) == len(set(quoted))


def test_notes_that_share_nothing_say_so():
    entries = [_entry("a"), _entry("b")]
    assert subjects({"a": ["One word."], "b": []}, spread([["One word."]]), 2) == []
    assert "share no word" in page("Sea", entries, [])


def test_a_page_leads_to_its_sources():
    text = page("Sea", [_entry(name) for name in SEA], _found())
    assert "([Title of ebb](../../items/ebb/README.md))" in text
    assert text.startswith("# Sea: what the notes share\n")


def _entry(name):
    return Entry(name, f"Title of {name}", "sea", "Sea", [], [], "key")
