from harness.report.timeline.lanes import Lanes
from harness.tests.story import Story


def labels(story: Story) -> list[str]:
    return [f"{lane.kind} {lane.label}" for lane in Lanes(story.history).rows]


def lanes_of(story: Story, line: int) -> list[str]:
    lanes = Lanes(story.history)
    return [lanes.rows[i].label for i in lanes.of_line[line - 1]]


def test_each_job_is_followed_by_those_who_watch_it():
    story = Story().submitted("a", 0.0).submitted("b", 0.1)
    story.subscribed("b", 0.2, by="ben").subscribed("a", 0.3, by="anna")
    assert labels(story) == [
        *("job job a", "client anna", "job job b", "client ben"),
        "harness harness",
    ]


def test_two_jobs_watched_under_one_name_have_two_lanes():
    story = Story().subscribed("a", 0.1).subscribed("b", 0.2)
    assert labels(story).count("client anna") == 2


def test_who_comes_late_is_told():
    story = Story().subscribed("a", 0.1).subscribed("a", 0.9, by="ben", late=True)
    story.event("a", "progress", 1.0, by="ben")
    assert [
        lane.note for lane in Lanes(story.history).rows if lane.kind == "client"
    ] == ["watches", "joins late"]


def test_a_process_is_named_by_role_and_pid():
    story = Story()
    story.say("stack.started", 0.0, role="worker", pid=7, pid_start=70, kept=True)
    story.say("ledger.start", 0.1, "a", role="child", pid=8, pid_start=80)
    story.say("ledger.end", 0.2, "a", role="parent", pid=7, pid_start=70)
    found = labels(story)
    assert "process worker 7" in found
    assert "process child 8" in found
    assert len([label for label in found if label.startswith("process")]) == 2


def test_a_recycled_pid_is_another_process():
    story = Story()
    story.say("ledger.start", 0.1, "a", role="child", pid=8, pid_start=80)
    story.say("ledger.start", 0.9, "b", role="child", pid=8, pid_start=99)
    story.say("probe.gone", 1.0, pid=8)
    lanes = Lanes(story.history)
    assert [lane.label for lane in lanes.rows].count("child 8") == 2
    assert lanes.of_line[3] == lanes.of_line[2][1:]  # the latest one is gone


def test_an_ending_is_shown_on_the_job_and_at_its_watcher():
    story = Story().submitted("a", 0.0).subscribed("a", 0.1)
    story.event("a", "progress", 0.2, percent=5).event("a", "completed", 0.3)
    assert lanes_of(story, 4) == ["anna"]
    assert lanes_of(story, 5) == ["job a", "anna"]


def test_a_fault_is_shown_on_its_victim():
    story = Story().started("a", 0.1, pid=10).fault("kill_child", 0.5, pid=10)
    assert lanes_of(story, 3) == ["faults", "child 10"]


def test_what_names_a_role_only_belongs_to_its_latest_process():
    story = Story()
    story.say("stack.started", 0.0, role="worker", pid=7, pid_start=70)
    story.say("stack.started", 0.5, role="worker", pid=9, pid_start=90)
    story.say("stack.restarted", 0.6, role="worker")
    assert lanes_of(story, 4) == ["worker 9"]


def test_what_belongs_nowhere_has_the_lane_of_probes():
    story = Story().say("probe.redis", 0.1, down=True)
    assert lanes_of(story, 2) == ["probes"]


def test_an_empty_history_has_only_the_harness():
    assert labels(Story()) == ["harness harness"]
