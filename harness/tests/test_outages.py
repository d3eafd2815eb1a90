from harness.outages import outages
from harness.tests.story import Story


def test_an_outage_lasts_until_it_is_healed():
    story = Story().fault("pause", 1.0, "redis").healed("pause", 3.0)
    story.fault("no_answers", 4.0, "api").healed("no_answers", 5.0, role="worker")
    first, second = outages(story.history)
    assert (first.role, first.begin, first.end) == ("redis", 1.0, 3.0)
    assert (second.role, second.end) == ("api", float("inf"))


def test_a_submit_is_hurt_where_the_api_cannot_use_its_broker():
    story = Story().fault("pause", 1.0, "redis").fault("refuse", 2.0, "api-2")
    story.fault("refuse", 3.0, "worker").fault("api_restart", 4.0, "api")
    hurt = [outage.role for outage in outages(story.history) if outage.hurts_submits]
    assert hurt == ["redis", "api-2"]


def test_damage_that_hit_nothing_or_one_child_or_does_not_last_is_no_outage():
    story = Story().fault("pause", 1.0, "redis", bit=False).fault("slow", 2.0, "api")
    story.fault("pause_child", 3.0).fault("kill_main", 4.0, "worker")
    assert outages(story.history) == []
