from harness.exits import deadline_t, exits, outages
from harness.tests.story import Story

BOUNDS = {"t_term_s": 10.0, "child_lost_s": 16.0, "main_lost_s": 20.0}


def causes(story: Story) -> list[str]:
    return [e.cause for e in exits(story.history.job("a"))]


def running() -> Story:
    return Story().submitted("a", 0.0).subscribed("a", 0.1).started("a", 1.0)


def test_a_run_that_ended_in_time_has_one_cause():
    assert causes(running().ended("a", 2.0)) == ["returned"]


def test_the_hard_limit_is_a_cause_of_its_own_when_the_run_outlasts_it():
    assert causes(running()) == ["hard_time_limit"]
    assert causes(running().ended("a", 7.0)) == ["hard_time_limit", "returned"]


def test_what_a_cancel_brings_about_is_not_a_cause_beside_it():
    story = running().cancel("a", 1.5).ended("a", 2.0, "raised:SystemExit")
    assert causes(story.reported("a", 6.5, "lost")) == ["cancel"]


def test_a_death_without_another_cause_is_one():
    assert causes(running().reported("a", 2.0, "lost")) == ["child_lost"]


def test_a_kill_that_found_the_job_over_and_told_is_no_cause():
    story = running().ended("a", 2.0).event("a", "completed", 2.1)
    assert causes(story.fault("kill_child", 3.0)) == ["returned"]


def test_only_what_announces_can_be_out():
    story = running().fault("pause_child", 1.5).healed("pause_child", 3.0)
    story.fault("noop", 1.6, "worker", pid=1)
    story.fault("redis_stop", 2.0, "redis", pid=2).healed("redis_stop", 4.0)
    story.fault("pause", 5.0, "api", pid=3)
    spans = outages(story.history.job("a"))
    assert spans == [(2.0, 4.0), (5.0, float("inf"))]


def test_a_part_without_its_link_is_out_until_that_very_link_is_healed():
    story = running().fault("black_hole", 1.5, "api", pid=1)
    story.fault("black_hole", 2.0, "worker", pid=2)
    story.healed("black_hole", 3.0, role="worker")
    story.healed("black_hole", 4.0, role="api")
    story.fault("refuse", 5.0, "worker", pid=2).healed("refuse", 6.0, role="worker")
    spans = outages(story.history.job("a"))
    assert spans == [(1.5, 4.0), (2.0, 3.0), (5.0, 6.0)]


def test_damage_that_is_over_at_once_is_no_outage():
    story = running().fault("redis_flush", 1.5, "redis", pid=1)
    story.fault("cut", 1.6, "worker", pid=2).fault("slow", 1.7, "worker", pid=2)
    assert outages(story.history.job("a")) == []


def test_a_bound_counts_from_the_end_of_an_outage():
    found = exits(running().ended("a", 2.0).history.job("a"))
    assert deadline_t(found, [], BOUNDS)[0] == 12.0
    assert deadline_t(found, [(1.5, 6.0)], BOUNDS)[0] == 16.0
    assert deadline_t(found, [(13.0, 20.0)], BOUNDS)[0] == 12.0
