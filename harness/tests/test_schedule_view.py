from harness.schedule_view import (
    bitten,
    crowded,
    end_of,
    entries,
    healing,
    missing,
    next_fault_t,
    punctual,
)
from harness.tests.scheduled import ran, regular, scheduled
from harness.tests.story import Story


def the_entry(story):
    (entry,) = entries(story.history)
    return entry


def test_entries_of_a_few_seconds_with_a_task_of_their_own_are_seen():
    story = scheduled(2.0, nightly={"task": "shop.report", "every_s": None})
    entry = the_entry(story)
    assert (entry.name, entry.task, entry.every_s) == ("sweep", "shop.sweep", 2.0)
    assert list(entries(scheduled(None).history)) == []
    assert list(entries(scheduled(6.0).history)) == []
    shared = {"task": "shop.sweep", "every_s": 3600.0}
    assert list(entries(scheduled(1.0, hourly=shared).history)) == []
    assert list(entries(Story().history)) == []


def test_runs_without_effect_and_runs_of_ours_are_none():
    story = ran(ran(ran(scheduled(), 1.0), 1.1, how="ignored"), 1.2, how="rejected")
    story.say("send.accepted", 2.0, "ours", task="shop.sweep")
    story.say("ledger.start", 2.1, "ours", task="shop.sweep", role="child")
    ran(story, 0.5)
    assert [o.t for o in the_entry(story).starts] == [0.5, 1.0]


def test_a_run_ends_when_its_own_process_says_so():
    story = ran(scheduled(), 1.0, took_s=3.0)
    (start,) = the_entry(story).starts
    assert end_of(story.history, start).t == 4.0
    story = scheduled().say("ledger.start", 1.0, "a", task="shop.sweep")
    story.say("ledger.end", 2.0, "a", role="parent", how="lost")
    (start,) = the_entry(story).starts
    assert end_of(story.history, start) is None


def test_runs_are_crowded_where_they_are_more_than_the_slots_of_their_time():
    entry = the_entry(regular(scheduled(), 1.0, 5.0, 1.0))
    assert crowded(entry, entry.starts, 0.5) is None
    entry = the_entry(ran(regular(scheduled(), 1.0, 5.0, 1.0), 3.4))
    assert crowded(entry, entry.starts, 0.5).observed.startswith("4 runs within 2.4")
    assert crowded(entry, entry.starts, 0.5, spare=1) is None


def test_a_late_run_and_the_next_one_close_behind_are_no_crowd():
    story = scheduled()
    for t in (1.0, 2.0, 4.9, 5.0, 6.0):
        ran(story, t)
    entry = the_entry(story)
    assert crowded(entry, entry.starts, 0.5) is not None
    left = punctual(entry, entry.starts, 0.5)
    assert [o.t for o in left] == [1.0, 2.0, 5.0, 6.0]
    assert crowded(entry, left, 0.5) is None


def test_a_slot_without_a_run_is_missing_also_the_last_one():
    entry = the_entry(regular(scheduled(), 1.0, 5.0, 1.0))
    assert missing(entry, entry.starts, 1.5, until_s=6.4) is None
    assert missing(entry, entry.starts, 1.5, until_s=6.6).evidence
    assert missing(entry, entry.starts[::2], 1.5, until_s=5.0) is not None


def test_a_fault_of_a_part_is_also_that_of_one_more_of_it_until_it_heals():
    story = Story().fault("pause", 1.0, role="beat-2").fault("pause", 2.0, role="api")
    story.fault("pause", 3.0, role="beat", bit=False).healed("pause", 4.0)
    (fault,) = bitten(story.history, "beat", "pause")
    assert fault.t == 1.0
    assert healing(story.history, fault).t == 4.0
    assert bitten(story.history, "beat", "kill_main") == []


def test_the_next_fault_may_be_that_a_second_scheduler_leaves():
    story = Story().fault("pause", 1.0, role="beat").healed("pause", 2.0)
    assert next_fault_t(story.history, 0.5) == 1.0
    assert next_fault_t(story.history, 1.5) is None
    story.healed("replica", 3.0, role="beat-2")
    assert next_fault_t(story.history, 1.5) == 3.0
