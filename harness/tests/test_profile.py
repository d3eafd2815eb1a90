from dataclasses import replace

import pytest

from harness.errors import TargetError
from harness.profile import on_served_queues, probe
from harness.target import Target


@pytest.fixture(scope="module")
def plain_profile(kept_plain_stack):
    """As seen beside a probe worker of ours, which answers the same questions."""
    kept_plain_stack.probe_worker()
    return probe(kept_plain_stack)


def test_it_tells_the_worker_as_started_and_the_settings(plain_profile):
    assert (plain_profile.pool, plain_profile.concurrency) == ("prefork", 1)
    assert (plain_profile.soft_s, plain_profile.hard_s) == (None, None)
    assert plain_profile.remote_control
    assert plain_profile.serves == ("plain",)
    assert plain_profile.default_queue == "plain"
    assert (plain_profile.acks_late, plain_profile.prefetch) == (False, 1)
    assert plain_profile.visibility_s == 3600
    assert plain_profile.results
    assert plain_profile.track_started
    assert not plain_profile.beat
    assert {"plain.add", "plain.boom"} <= set(plain_profile.tasks)


def test_each_row_says_something(plain_profile):
    rows = dict(plain_profile.lines())
    assert rows["pool"] == "prefork, 1 at a time"
    assert rows["limits"] == "none in the settings"
    assert rows["queues"] == "plain"
    assert all(rows.values())
    unheard = dict(replace(plain_profile, remote_control=False).lines())
    assert "as configured" in unheard["pool"]


def test_situations_aim_at_a_queue_that_is_served(plain_profile):
    found = replace(plain_profile, serves=("fast", "slow"))
    assert on_served_queues(Target("shop:app"), found).queues == ("fast", "slow")
    named = Target("shop:app", queues=("slow",))
    assert on_served_queues(named, found).queues == ("slow",)


def test_a_queue_that_is_not_served_is_named_with_the_nearest(plain_profile):
    found = replace(plain_profile, serves=("fast", "slow"))
    with pytest.raises(TargetError, match=r"'slwo'; did you mean 'slow'.*fast, slow"):
        on_served_queues(Target("shop:app", queues=("slwo",)), found)


def test_a_worker_without_a_queue_is_told_what_to_do(plain_profile):
    with pytest.raises(TargetError, match="serves no queue"):
        on_served_queues(Target("shop:app"), replace(plain_profile, serves=()))


class EagerStack:
    """As much of a stack as is looked at before it is refused."""

    target = Target("shop:app")

    class agent:
        @staticmethod
        def describe():
            return {"conf": {"task_always_eager": True}}


def test_tasks_that_never_reach_a_worker_are_one_error():
    with pytest.raises(TargetError, match="task_always_eager"):
        probe(EagerStack())
