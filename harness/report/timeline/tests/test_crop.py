from harness.report.timeline.crop import AROUND_S, MAX_LANES, Crop, crop
from harness.report.timeline.model import timeline
from harness.tests.story import Story
from harness.verdict import violated


def cropped(story: Story, *evidence: int, job: str | None = None) -> Crop:
    verdict = violated("so", evidence=evidence, job=job)
    return crop(verdict, timeline(story.history), story.history)


def names(story: Story, found: Crop) -> list[str]:
    return [timeline(story.history).lanes[i].label for i in found.lanes]


def two_jobs() -> Story:
    story = Story().submitted("a", 1.0).subscribed("a", 1.1).started("a", 1.5)
    story.submitted("b", 2.0).subscribed("b", 2.1, by="ben").started("b", 2.5, pid=20)
    story.event("a", "completed", 9.0).event("a", "failed", 10.0)
    return story.watched(30.0)


def test_a_crop_is_the_window_around_the_evidence():
    found = cropped(two_jobs(), 8, 9, job="a")
    assert (found.start_s, found.end_s) == (9.0 - 0.35, 10.0 + 0.35)


def test_a_single_moment_has_some_time_around_it():
    found = cropped(two_jobs(), 8, job="a")
    assert (found.start_s, found.end_s) == (9.0 - AROUND_S, 9.0 + AROUND_S)


def test_a_crop_shows_the_job_its_watchers_and_its_process_only():
    story = two_jobs()
    found = cropped(story, 8, 9, job="a")
    assert names(story, found) == ["job a", "anna", "child 10"]
    assert found.left_out == 0


def test_the_damage_that_hit_the_job_is_in_the_window():
    story = Story().submitted("a", 1.0).started("a", 2.0)
    story.fault("kill_child", 3.0, pid=10).watched(20.0)
    story.event("a", "failed", 9.0)
    found = cropped(story, 6, job="a")
    assert found.start_s < 3.0 < 9.0 < found.end_s
    assert "faults" in names(story, found)


def test_damage_at_another_time_has_no_lane():
    story = two_jobs().fault("kill_child", 25.0, pid=99)
    assert "faults" not in names(story, cropped(story, 8, 9, job="a"))


def test_lanes_with_evidence_come_before_the_others():
    story = Story().submitted("a", 0.0)
    for number in range(30):
        story.subscribed("a", 0.1, by=f"page-{number}")
    story.event("a", "completed", 1.0, by="page-29")
    found = cropped(story, 33, job="a")
    assert len(found.lanes) == MAX_LANES
    assert "page-29" in names(story, found)
    assert found.left_out == 31 - MAX_LANES


def test_an_ending_that_never_came_is_looked_for_to_the_end():
    story = Story().submitted("a", 1.0).subscribed("a", 1.1).watched(25.0)
    found = cropped(story, 2, job="a")
    assert found.start_s < 1.0
    assert found.end_s > 25.0


def test_damage_is_no_reason_to_hide_what_a_verdict_without_a_job_is_about():
    story = two_jobs().fault("kill_child", 25.0, pid=99)
    assert {"job a", "job b", "faults"} <= set(names(story, cropped(story)))


def test_without_evidence_the_whole_time_is_shown():
    story = two_jobs()
    found = cropped(story)
    assert (found.start_s, found.end_s) == (0.0, 30.0)
    assert {"job a", "job b"} <= set(names(story, found))


def test_lines_that_do_not_exist_are_no_evidence():
    assert cropped(two_jobs(), 999) == cropped(two_jobs())
