import pytest

from reference_app.agent.kb import KnowledgeBase
from reference_app.agent.state import State, key_of


@pytest.fixture
def kb(tmp_path):
    (tmp_path / ".agent").mkdir()
    return KnowledgeBase(tmp_path)


@pytest.fixture
def state(kb):
    return State(kb)


def test_a_step_is_done_for_the_key_it_was_done_from(state):
    assert state.value("items/a", "cache", "k") is None
    state.finish("items/a", "cache", "k", {"x": 1})
    assert state.value("items/a", "cache", "k") == {"x": 1}
    assert state.value("items/a", "cache", "other") is None
    assert state.last("items/a", "cache") == {"x": 1}
    assert state.last_key("items/a", "cache") == "k"


def test_a_step_is_done_only_while_its_files_are_whole(state, kb):
    state.finish("items/a", "page", "k", {}, {"items/a/README.md": b"text"})
    assert state.value("items/a", "page", "k") == {}
    (kb.root / "items/a/README.md").write_bytes(b"torn")
    assert state.value("items/a", "page", "k") is None


def test_a_file_that_is_not_wanted_any_more_goes(state, kb):
    state.finish("items/a", "media", "k", {}, {"items/a/1.png": b"1"})
    state.finish("items/a", "media", "l", {}, {"items/a/2.png": b"2"})
    assert [path.name for path in (kb.root / "items/a").iterdir()] == ["2.png"]


def test_a_forced_step_is_done_once_by_each_job(state):
    state.finish("readme", "page", "k", {})
    assert state.value("readme", "page", "k", forced_by="job-1") is None
    state.finish("readme", "page", "k", {}, forced_by="job-1")
    assert state.value("readme", "page", "k", forced_by="job-1") == {}
    assert state.value("readme", "page", "k", forced_by="job-2") is None
    assert state.value("readme", "page", "k") == {}


def test_what_is_not_kept_is_forgotten_with_its_files(state, kb):
    for name in "abc":
        state.finish(f"items/{name}", "page", "k", {}, {f"items/{name}/x.md": b"x"})
    (kb.root / "items/c/mine.txt").write_text("somebody's own")
    assert state.keep_only("items", ["a"]) == 2
    assert state.units("items") == ["a"]
    found = {path.name for path in (kb.root / "items").iterdir()}
    assert found == {"a", "c"}
    assert [path.name for path in (kb.root / "items/c").iterdir()] == ["mine.txt"]


def test_a_step_can_be_undone(state, kb):
    state.finish("categories/a", "synthesis", "k", {}, {"categories/a/s.md": b"x"})
    state.finish("categories/a", "page", "k", {})
    state.drop("categories/a", "synthesis")
    state.drop("categories/a", "synthesis")
    assert state.last("categories/a", "synthesis") is None
    assert state.last("categories/a", "page") == {}
    assert not (kb.root / "categories/a/s.md").exists()


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"\x00" * 9])
def test_a_damaged_record_counts_as_none(state, kb, damage):
    state.finish("items/a", "cache", "k", {})
    (kb.root / ".agent/records/items/a.json").write_bytes(damage)
    assert state.value("items/a", "cache", "k") is None
    assert state.last("items/a", "cache") is None


def test_a_key_depends_on_all_that_it_is_made_of():
    assert key_of("a", {"x": 1}) == key_of("a", {"x": 1})
    assert len({key_of("a"), key_of("b"), key_of(["a"]), key_of("a", "")}) == 4
