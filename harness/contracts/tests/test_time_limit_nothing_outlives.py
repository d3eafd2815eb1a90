import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, both, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "time_limit.nothing-outlives-the-job"

UNSAID = Status.INCONCLUSIVE

STARTED = (20, 21, 22)


def ended(how: str = "cancel", gone_s: float = 0.3) -> Story:
    """A job with three processes ends at 3.0; the last of them `gone_s` later."""
    story = Story()
    limits = {"limit": (None, 2.0), "soft_time_limit": (2.0, 9.0)}
    soft_s, hard_s = limits.get(how, (None, None))
    story.say("send.accepted", 0.5, "a", soft_s=soft_s, hard_s=hard_s)
    story.say("ledger.start", 1.0, "a", pid=10, role="child")
    for pid in STARTED:
        story.say("probe.alive", 1.2, "a", role="started", pid=pid, name="sleep")
    if how == "cancel":
        story.say("agent.revoked", 3.0, "a", terminate=True)
        story.say("ledger.end", 3.05, "a", pid=10, role="child", how="terminated")
    elif how == "kill":
        story.fault("kill_child", 3.0, job="a").reported("a", 3.05, "lost")
    elif how == "limit":
        story.reported("a", 3.02, "hard_time_limit")
    else:
        story.say("ledger.end", 3.0, "a", pid=10, role="child", how=how)
    for pid in STARTED:
        story.gone(3.0 + gone_s * (pid - 19) / 3, pid=pid)
    return story.watched(3.1 + gone_s)


HOWS = ("cancel", "kill", "limit", "soft_time_limit", "success", "failure:ValueError")


@pytest.mark.parametrize("how", HOWS)
def test_what_ends_with_its_job_holds_however_the_job_ends(how):
    verdict = ended(how).judged_by(LAW)
    assert verdict.status is Status.HOLDS, verdict
    assert verdict.measured["t_stop_s"] == pytest.approx(0.3)
    assert verdict.summary.startswith("All 3 that it started were gone 0.30 s after")


@pytest.mark.parametrize("how", HOWS)
def test_one_that_lives_on_is_violated_and_named(how):
    story = without("probe.gone", pid=21)(ended(how)).watched(8.2)
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert verdict.observed == "pid 21 (sleep) alive at 8.20 s"
    assert verdict.timed


def test_before_it_is_due_nobody_is_accused():
    verdict = without("probe.gone", pid=21)(ended()).judged_by(LAW)
    assert verdict.status is UNSAID
    assert verdict.due_t == pytest.approx(8.0)


def test_what_the_jobs_own_clean_up_ends_has_ended_with_it():
    story = moved("probe.gone", by_s=-0.6)(ended("soft_time_limit"))
    assert story.judged_by(LAW).status is Status.HOLDS


def test_a_process_that_had_ended_long_before_proves_nothing():
    story = moved("probe.gone", by_s=-1.6, pid=21)(ended())
    verdict = story.judged_by(LAW)
    assert verdict.status is UNSAID
    assert "pid 21 gone at 1.60 s" in verdict.observed


def test_a_recycled_pid_is_not_the_one_that_was_started():
    story = Story().say("send.accepted", 0.5, "a")
    story.say("ledger.start", 1.0, "a", pid=10, role="child")
    seen = {"role": "started", "pid": 20, "pid_start": 7}
    story.say("probe.alive", 1.2, "a", **seen)
    story.say("ledger.end", 3.0, "a", pid=10, role="child", how="success")
    story.say("probe.gone", 3.1, pid=20, pid_start=8, role="child").watched(9.0)
    assert story.judged_by(LAW).status is Status.VIOLATED


WATCHED_ON = moved("harness.heartbeat", by_s=6.0)

test_only_what_is_gone_soon_after_the_job_holds = properties.of(
    LAW,
    st.builds(ended, st.sampled_from(HOWS), st.floats(0.0, 4.9)),
    Damage(
        "late",
        both(moved("probe.gone", by_s=5.1), moved("harness.heartbeat", by_s=6.0)),
    ),
    Damage(
        "one-lives-on",
        both(without("probe.gone", pid=20), moved("harness.heartbeat", by_s=6.0)),
    ),
    Damage("not-watched", without("probe.gone", pid=22), UNSAID),
    Damage("nothing-started", without("probe.alive"), UNSAID),
    Damage("never-began", without("ledger.start"), UNSAID),
)
