import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, both, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

AFTER_A_JOB = "memory.given-back-after-a-job"
AFTER_A_KILL = "memory.given-back-after-a-kill"

UNSAID = Status.INCONCLUSIVE

REST = 300.0


def look(story: Story, t: float, mib: float = REST, *, pid: int = 10, **more) -> Story:
    """All that is not of the main process is held by the child `pid`."""
    shares = [
        {"pid": 1, "parent": 0, "mib": REST},
        {"pid": pid, "parent": 1, "mib": mib - REST},
    ]
    data = {"steady": True, "took_s": 0.05, "by": "pss", "processes": shares, **more}
    return story.say("probe.memory", t, role="worker", mib=mib, **data)


def at_rest() -> Story:
    story = Story().say("send.accepted", 0.1, "first")
    story.say("ledger.start", 0.2, "first", pid=9)
    story.say("ledger.end", 0.3, "first", pid=9, role="child", how="success")
    for n in range(5):
        look(story, 0.5 + 0.1 * n)
    return story


def holding(story: Story, job: str, t: float, *, mib: float = 512, **limits) -> Story:
    """It starts at `t` and is seen to hold its memory half a second later."""
    story.say("send.accepted", t - 0.1, job, **limits)
    story.say("harness.holds", t - 0.1, job, mib=mib)
    story.say("ledger.start", t, job, pid=10, role="child")
    story.say("ledger.mark", t + 0.4, job, pid=10, role="child", name="held")
    return look(story, t + 0.5, REST + 600)


def done(how: str = "success", back_s: float = 0.5, after: float = REST) -> Story:
    """At 3.0; its memory is back when the next job has run for 0.1 s."""
    story = holding(at_rest(), "a", 2.0).say("send.accepted", 2.9, "next")
    story.say("ledger.end", 3.0, "a", pid=10, role="child", how=how)
    if back_s > 0.3:
        look(story, 3.1, REST + 600)
    return followed(story, 2.9 + back_s, after)


def followed(story: Story, t: float, after: float) -> Story:
    """Another job starts at `t` and is looked at for a while."""
    story.say("ledger.start", t, "next", pid=11, role="child")
    look(story, t + 0.1, after, pid=11, after=True)
    look(story, t + 0.3, after, pid=11, after=True)
    story.say("ledger.end", t + 0.4, "next", pid=11, role="child", how="success")
    return story.watched(t + 0.5)


def killed(how: str = "cancel", back_s: float = 0.5, after: float = REST) -> Story:
    """At 4.0, while another job waits, which starts 0.1 s after its memory is back."""
    story = holding(at_rest(), "a", 2.0, hard_s=2.0 if how == "limit" else None)
    story.say("send.accepted", 3.0, "next")
    if how == "cancel":
        story.say("agent.revoked", 4.0, "a", terminate=True)
        story.say("ledger.end", 4.05, "a", pid=10, role="child", how="terminated")
    elif how == "kill":
        story.fault("kill_child", 4.0, job="a")
        story.reported("a", 4.05, "lost")
    else:
        story.reported("a", 4.02, "hard_time_limit")
    look(story, 4.0 + back_s, after, pid=11, after=True)
    return followed(story, 4.1 + back_s, after)


@pytest.mark.parametrize("how", ["success", "failure:ValueError", "soft_time_limit"])
def test_what_ends_by_itself_and_gives_back_holds(how):
    verdict = done(how).judged_by(AFTER_A_JOB)
    assert verdict.status is Status.HOLDS
    assert verdict.measured == {"t_back_s": pytest.approx(0.5), "slack_mib": 0.0}
    assert verdict.summary == f"Given back 0.50 s after its end ({how})."
    assert done(how).judged_by(AFTER_A_KILL).status is UNSAID


def test_what_is_kept_is_violated_and_says_by_whom_and_which_probe():
    verdict = done(back_s=10.2, after=REST + 512).judged_by(AFTER_A_JOB)
    assert verdict.status is Status.VIOLATED
    assert "held 512 MiB more than at rest" in verdict.summary
    assert verdict.observed == "812 MiB by pss at 13.20 s (pid 11: 512, pid 1: 300)"


def test_a_little_more_than_at_rest_is_no_leak():
    assert done(after=REST + 60).judged_by(AFTER_A_JOB).status is Status.HOLDS


def test_a_job_that_is_to_hold_little_proves_nothing():
    story = holding(at_rest(), "a", 2.0, mib=100)
    story.say("ledger.end", 3.0, "a", pid=10, role="child", how="success")
    verdict = look(story, 3.5).watched(4.0).judged_by(AFTER_A_JOB)
    assert verdict.status is UNSAID
    assert "too little" in verdict.summary


def test_what_its_children_hold_is_the_jobs():
    story = holding(at_rest(), "a", 2.0, mib=700)
    look(
        *(story, 2.8, REST + 800),
        processes=[
            {"pid": 1, "parent": 0, "mib": REST},
            {"pid": 10, "parent": 1, "mib": 200.0},
            {"pid": 12, "parent": 10, "mib": 600.0},
        ],
    )
    story.say("ledger.end", 3.0, "a", pid=10, role="child", how="success")
    story.say("send.accepted", 2.9, "next")
    assert followed(story, 3.5, REST).judged_by(AFTER_A_JOB).status is Status.HOLDS


def test_what_an_orphan_holds_is_not_hidden_while_there_is_no_child():
    story = done(back_s=10.3, after=REST + 96)
    look(story, 3.2, REST - 50)
    verdict = story.judged_by(AFTER_A_JOB)
    assert verdict.status is Status.VIOLATED
    assert "96 MiB more than at rest" in verdict.summary


def test_a_look_before_the_next_job_takes_memory_counts_and_none_after():
    story = holding(done(back_s=0.15, after=REST + 512), "b", 4.0)
    story.say("ledger.end", 5.0, "b", pid=10, role="child", how="success")
    look(story, 5.5).watched(99.0)
    assert story.judged_by(AFTER_A_JOB).status is UNSAID


@pytest.mark.parametrize("how", ["cancel", "kill", "limit"])
def test_what_is_killed_and_gives_back_before_the_next_starts_holds(how):
    verdict = killed(how).judged_by(AFTER_A_KILL)
    assert verdict.status is Status.HOLDS, verdict
    assert verdict.measured["t_back_s"] == pytest.approx(0.5)
    assert killed(how).judged_by(AFTER_A_JOB).status is UNSAID


@pytest.mark.parametrize("how", ["cancel", "kill", "limit"])
def test_what_the_next_job_finds_still_held_is_violated(how):
    verdict = killed(how, after=REST + 512).judged_by(AFTER_A_KILL)
    assert verdict.status is Status.VIOLATED
    assert "The next job started 0.60 s after its" in verdict.summary
    assert not verdict.timed


def test_a_limit_that_ends_nothing_is_violated_though_nobody_follows():
    story = holding(at_rest(), "a", 2.0, hard_s=2.0).say("send.accepted", 3.0, "next")
    verdict = look(story, 14.2, REST + 600).watched(14.3).judged_by(AFTER_A_KILL)
    assert verdict.status is Status.VIOLATED
    assert "after its hard limit" in verdict.summary
    assert verdict.timed


def test_a_soft_limit_before_the_hard_one_is_an_end_of_its_own():
    story = holding(at_rest(), "a", 2.0, soft_s=1.0, hard_s=9.0)
    story.say("ledger.end", 3.0, "a", pid=10, role="child", how="soft_time_limit")
    followed(story.say("send.accepted", 2.9, "next"), 3.3, REST).watched(30.0)
    assert story.judged_by(AFTER_A_JOB).status is Status.HOLDS
    assert story.judged_by(AFTER_A_KILL).status is UNSAID


PEAK = {"mib": REST + 600}

LATE = moved("probe.memory", by_s=10.1, after=True)

KEPT = changed("probe.memory", to={"mib": REST + 512}, after=True)

COMMON = (
    Damage("nobody-looked", without("probe.memory"), UNSAID),
    Damage("never-seen-to-hold", without("probe.memory", **PEAK), UNSAID),
    Damage("no-job-before", without("send.accepted", "first"), UNSAID),
    Damage("nothing-declared", without("harness.holds"), UNSAID),
    Damage("in-a-crowd", changed("probe.memory", to={"steady": False}), UNSAID),
)

test_only_what_is_given_back_in_time_holds = properties.of(
    AFTER_A_JOB,
    st.builds(
        done,
        st.sampled_from(["success", "failure:ValueError", "soft_time_limit"]),
        st.floats(0.3, 9.7),  # the last look, 0.3 s later, is still in time
        st.floats(REST - 100, REST + 63),
    ),
    Damage("late", LATE),
    Damage("kept", both(LATE, KEPT)),
    Damage("nobody-looked-for-long", KEPT, UNSAID),
    Damage("goes-on", without("ledger.end", "a"), UNSAID),
    *COMMON,
)

test_only_what_is_given_back_before_the_next_start_holds = properties.of(
    AFTER_A_KILL,
    st.builds(
        killed,
        st.sampled_from(["cancel", "kill", "limit"]),
        st.floats(0.2, 9.8),
        st.floats(REST - 100, REST + 63),
    ),
    Damage("late", LATE),
    Damage("kept-when-the-next-starts", KEPT),
    Damage("nobody-follows", without("ledger.start", "next"), UNSAID),
    *COMMON,
)
