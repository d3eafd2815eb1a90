from datetime import datetime, timedelta

import pytest

from loadtests.bench import agent, note_copies


def texts(folder):
    """Return the text of each note by its path."""
    paths = sorted(folder.rglob("*.md"))
    return {path.relative_to(folder).as_posix(): path.read_text() for path in paths}


@pytest.fixture
def hundred(tmp_path):
    note_copies.write(tmp_path / "notes", agent.NOTES, 100)
    return texts(tmp_path / "notes")


def named(found, what):
    lines = [line for text in found for line in text.splitlines()]
    return [line for line in lines if line.startswith(what)]


def test_there_are_as_many_notes_as_asked_for_each_with_a_title_and_a_text(hundred):
    assert len(hundred) == 100
    assert len(set(named(hundred.values(), "title: "))) == 100
    bodies = {text.partition("\n---\n")[2] for text in hundred.values()}
    assert len(bodies) == 100


def test_copies_name_the_same_categories_images_and_links(hundred):
    originals = texts(agent.NOTES)
    for path, text in hundred.items():
        original = originals[path.partition("/")[2]]
        for what in ("category:", "tags:"):
            assert named([text], what) == named([original], what)
        for sign in ("](", ".png)", "|", "\n\n"):
            assert text.count(sign) == original.count(sign)


def test_images_lie_beside_each_copy(tmp_path):
    note_copies.write(tmp_path, agent.NOTES, 60)
    assert len(list(tmp_path.rglob("chain.png"))) == 3


def test_a_part_of_the_words_is_exchanged_by_the_seed(tmp_path, hundred):
    note_copies.write(tmp_path / "same", agent.NOTES, 100)
    note_copies.write(tmp_path / "other", agent.NOTES, 100, seed=2)
    assert texts(tmp_path / "same") == hundred
    assert texts(tmp_path / "other") != hundred
    both = (hundred[f"copy-{number}/bread/gluten.md"] for number in (0, 2))
    first, copy = (text.partition("\n---\n")[2].split() for text in both)
    alike = sum(one == other for one, other in zip(first, copy, strict=True))
    assert 0.5 < alike / len(first) < 0.95


BEGAN = datetime.fromisoformat("2026-01-01T00:00:00Z")


def event(seconds, step, status):
    moment = (BEGAN + timedelta(seconds=seconds)).isoformat()
    return {"timestamp": moment, "data": {"step": step, "status": status}}


def test_a_part_lasts_from_its_first_event_to_the_one_that_says_completed():
    events = [
        event(0, "content_processing", "running"),
        event(0, "cache", "running"),
        event(1, "cache", "running"),
        event(2, "cache", "completed"),
        event(2, "llm", "running"),
        event(5, "llm", "completed"),
        event(5, "content_processing", "completed"),
        {"timestamp": BEGAN.isoformat(), "data": {"result": {}}},
    ]
    expected = {"content_processing": 5.0, "cache": 2.0, "llm": 3.0}
    assert agent.parts(events) == expected


def test_a_part_whose_end_is_missing_is_not_measured():
    with pytest.raises(RuntimeError, match="cache"):
        agent.parts([event(0, "cache", "running")])


def record(seconds=(10.0, 50.0), mib=(200.0, 240.0)):
    sizes = zip((100, 500), seconds, mib, strict=True)
    return agent.judged(
        [agent.Run(notes, s, {"cache": s / 2}, held) for notes, s, held in sizes]
    )


def test_five_times_the_notes_in_five_times_the_seconds_is_linear():
    found = record()
    assert (found["value"], found["passed"]) == (1.0, True)
    assert found["cache_s"] == [5.0, 25.0]
    assert found["ratios"] == {"cache": 1.0}


def test_of_several_rounds_the_median_counts_and_the_memory_of_the_first():
    runs = [
        agent.Run(notes, notes * each, {"cache": notes * each}, held)
        for each, held in ((0.2, 200.0), (0.1, 500.0), (0.3, 900.0))
        for notes in (100, 250, 500)
    ]
    found = agent.judged(runs)
    assert found["whole_s"] == [20.0, 50.0, 100.0]
    assert found["notes"] == [100, 250, 500]
    assert found["peak_mib"] == [200.0] * 3


def test_more_than_that_is_missed_and_so_is_memory_that_grows():
    assert not record(seconds=(10.0, 70.0))["passed"]
    assert not record(mib=(200.0, 320.0))["passed"]
