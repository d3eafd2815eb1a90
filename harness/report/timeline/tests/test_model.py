from harness.report.timeline.model import Timeline, timeline
from harness.tests.story import Story


def bars(whole: Timeline, kind: str, lane: str) -> list[tuple[float, float]]:
    return [
        (bar.start_s, bar.end_s)
        for bar in whole.bars
        if bar.kind == kind and whole.lanes[bar.lane].label == lane
    ]


def test_a_job_waits_runs_and_is_watched():
    story = Story().submitted("a", 0.0).subscribed("a", 0.1)
    story.started("a", 1.0).ended("a", 2.0).event("a", "completed", 2.1)
    whole = timeline(story.watched(4.0).history)
    assert bars(whole, "wait", "job a") == [(0.0, 1.0)]
    assert bars(whole, "run", "job a") == [(1.0, 2.0)]
    assert bars(whole, "run", "child 10") == [(1.0, 2.0)]
    assert bars(whole, "watch", "anna") == [(0.1, 4.0)]


def test_a_job_that_never_ran_waits_to_the_end():
    whole = timeline(Story().submitted("a", 0.5).watched(4.0).history)
    assert bars(whole, "wait", "job a") == [(0.5, 4.0)]
    assert not bars(whole, "run", "job a")


def test_a_run_without_an_end_lasts_until_its_process_is_gone():
    story = Story().submitted("a", 0.0).started("a", 1.0)
    story.say("probe.gone", 1.5, "a", pid=10)
    assert bars(timeline(story.watched(4.0).history), "run", "job a") == [(1.0, 1.5)]


def test_a_run_that_nobody_saw_end_lasts_to_the_end():
    story = Story().submitted("a", 0.0).started("a", 1.0).watched(4.0)
    assert bars(timeline(story.history), "run", "job a") == [(1.0, 4.0)]


def test_a_killed_process_lived_until_then_and_its_successor_from_then():
    story = Story()
    story.say("stack.started", 0.2, role="worker", pid=7, pid_start=70, kept=True)
    victim = {"role": "worker", "pid": 7, "pid_start": 70}
    story.say("fault.injected", 1.0, fault="kill_main", victim=victim, bit=True)
    story.say("stack.started", 1.2, role="worker", pid=9, pid_start=90)
    whole = timeline(story.watched(3.0).history)
    assert bars(whole, "life", "worker 7") == [(0.0, 1.0)]
    assert bars(whole, "life", "worker 9") == [(1.2, 3.0)]


def test_damage_that_hit_nothing_ends_no_life():
    story = Story()
    story.say("stack.started", 0.0, role="worker", pid=7, pid_start=70)
    victim = {"role": "worker", "pid": 7, "pid_start": 70}
    story.say("fault.injected", 1.0, fault="kill_main", victim=victim, bit=False)
    whole = timeline(story.watched(3.0).history)
    assert bars(whole, "life", "worker 7") == [(0.0, 3.0)]
    assert [(b.bit, b.label) for b in whole.bands] == [
        (False, "kill_main worker (hit nothing)")
    ]


def test_each_fault_is_a_band_until_its_own_healing():
    story = Story().fault("pause", 1.0, role="worker").fault("kill_child", 1.5)
    story.fault("pause", 2.0, role="redis").healed("pause", 3.0, role="redis")
    story.healed("pause", 4.0, role="worker")
    found = timeline(story.watched(5.0).history).bands
    assert [(b.label, b.start_s, b.end_s) for b in found] == [
        ("pause worker", 1.0, 4.0),
        ("kill_child child", 1.5, 1.5),
        ("pause redis", 2.0, 3.0),
    ]


def test_one_fault_twice_in_a_row_is_two_bands():
    story = (
        Story().fault("redis_restart", 1.0, role="redis").healed("redis_restart", 1.2)
    )
    story.fault("redis_restart", 2.0, role="redis").healed("redis_restart", 2.2)
    found = timeline(story.history).bands
    assert [(b.start_s, b.end_s) for b in found] == [(1.0, 1.2), (2.0, 2.2)]


def test_limits_count_from_the_start_of_the_run():
    story = Story().submitted("a", 0.0, "short").started("a", 1.0)
    whole = timeline(story.ended("a", 6.1).watched(7.0).history)
    assert [(x.kind, x.t, x.after_s) for x in whole.limits] == [
        ("soft", 4.0, 3.0),
        ("hard", 6.0, 5.0),
    ]
    assert {whole.lanes[x.lane].label for x in whole.limits} == {"job a"}


def test_a_limit_that_was_not_reached_is_not_drawn():
    story = Story().submitted("a", 0.0, "short").started("a", 1.0)
    assert not timeline(story.ended("a", 2.0).watched(9.0).history).limits


def test_every_observation_has_a_mark():
    story = Story().submitted("a", 0.0).subscribed("a", 0.1).started("a", 0.2)
    story.fault("kill_child", 0.4).event("a", "failed", 0.5).watched(1.0)
    whole = timeline(story.history)
    assert {m.line for m in whole.marks} == {o.line for o in story.history.observations}


def test_an_empty_history_is_an_empty_timeline():
    whole = timeline(Story().history)
    assert whole.end_s == 0.0
    assert not [*whole.bars, *whole.bands, *whole.limits]
    assert [m.kind for m in whole.marks] == ["harness"]
