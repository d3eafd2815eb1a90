import pytest

from reference_app.agent.errors import AgentError, KnowledgeBaseError
from reference_app.agent.kb import INDEX, KnowledgeBase
from reference_app.agent.search import Index, to_json


@pytest.fixture
def kb(run, tmp_path):
    run()
    return KnowledgeBase(tmp_path / "kb")


def test_what_says_most_of_a_question_comes_first(kb):
    hits = Index.load(kb).search("When does the flood rise?")
    assert hits[0].slug == "flood"
    assert (kb.root / hits[0].path).is_file()
    assert [hit.score for hit in hits] == sorted(
        (hit.score for hit in hits), reverse=True
    )
    assert to_json(hits)[0]["title"] == "The flood"


def test_there_are_no_more_results_than_asked_for_and_none_below_the_threshold(kb):
    index = Index.load(kb)
    assert len(index.search("moon water bread", max_results=1)) == 1
    everything = index.search("moon water bread", max_results=9, threshold=-1)
    assert len(everything) == 4
    bound = everything[1].score
    kept = index.search("moon water bread", max_results=9, threshold=bound)
    assert [hit.score for hit in kept] == [everything[0].score, bound]


def test_a_question_of_unknown_words_finds_nothing(kb):
    assert Index.load(kb).search("zebra xylophone", threshold=-1) == []


@pytest.mark.parametrize(
    "wanted",
    [
        {"query": " \n"},
        {"query": "x" * 3000},
        {"query": "x", "max_results": 0},
        {"query": "x", "max_results": 101},
        {"query": "x", "threshold": 1.1},
        {"query": "x", "threshold": float("nan")},
    ],
)
def test_what_is_out_of_bounds_is_refused(kb, wanted):
    with pytest.raises(AgentError):
        Index.load(kb).search(**wanted)


def test_no_index_and_a_damaged_one_are_told(kb, tmp_path):
    with pytest.raises(KnowledgeBaseError, match="no index"):
        Index.load(KnowledgeBase(tmp_path / "nothing"))
    for data in (b"", b"PK", (kb.root / INDEX).read_bytes()[:-100]):
        (kb.root / INDEX).write_bytes(data)
        with pytest.raises(KnowledgeBaseError, match="damaged"):
            Index.load(kb)


def test_an_empty_knowledge_base_can_be_asked():
    assert Index.build([], []).search("anything") == []
