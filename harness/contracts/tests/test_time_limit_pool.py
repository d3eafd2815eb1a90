import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, Edit, both, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

POOL = "time_limit.deployed-pool-enforces"
NATIVE = "time_limit.native-code-is-killed"

UNSAID = Status.INCONCLUSIVE


# time_limit.deployed-pool-enforces


def probe() -> Story:
    """A probe task with limits of 1 and 2 s, started at 1.0."""
    story = Story().sent("p", 0.0, soft_s=1.0, hard_s=2.0)
    return story.say("ledger.start", 1.0, "p", pid=10, role="child")


def ended(story: Story, t: float, how: str, role: str = "child") -> Story:
    return story.say("ledger.end", t, "p", pid=10, role=role, how=how).watched(t + 1)


def test_a_child_that_was_asked_to_leave_at_its_hard_limit_holds():
    story = ended(probe(), 3.1, "hard_time_limit", "parent")
    story = ended(story, 3.2, "terminated")
    assert story.judged_by(POOL).status is Status.HOLDS


def test_a_probe_that_succeeds_after_its_limit_is_violated():
    verdict = ended(probe(), 7.0, "success").judged_by(POOL)
    assert verdict.status is Status.VIOLATED
    assert "ignored" in verdict.summary


def test_a_probe_that_never_ends_is_violated_after_its_time():
    assert probe().watched(9.0).judged_by(POOL).status is Status.INCONCLUSIVE
    assert probe().watched(12.0).judged_by(POOL).status is Status.VIOLATED


@st.composite
def limited(draw):
    """Up to three probes, each ended by one of its limits, in time."""
    story = Story()
    for n in range(draw(st.integers(1, 3))):
        job, pid = f"p{n}", 10 + n
        story.sent(job, 0.0, soft_s=1.0, hard_s=2.0)
        story.say("ledger.start", 1.0 + n, job, pid=pid, role="child")
        if draw(st.booleans()):
            lasted_s, how, role = draw(st.floats(1.0, 3.9)), "soft_time_limit", "child"
        else:
            lasted_s, how, role = draw(st.floats(2.0, 9.9)), "hard_time_limit", "parent"
        t = 1.0 + n + lasted_s
        story.say("ledger.end", t, job, pid=pid, role=role, how=how)
    return story.watched(40.0)


def outlived(how: str) -> Edit:
    """Let the first go on past both limits, and end like this by itself."""
    by_itself = changed("ledger.end", "p0", to={"how": how, "role": "child"})
    return both(by_itself, moved("ledger.end", "p0", by_s=9.0))


def too_short(story: Story) -> Story:
    story = without("ledger.end", "p0")(story)
    return story.say("ledger.end", 1.5, "p0", pid=10, role="child", how="success")


UNLIMITED = {"soft_s": None, "hard_s": None}

test_only_probes_that_a_limit_ends_in_time_hold = properties.of(
    POOL,
    limited(),
    Damage("succeeds-late", outlived("success")),
    Damage("fails-late", outlived("failure:OSError")),
    Damage("ended-late", moved("ledger.end", "p0", by_s=9.0)),
    Damage("never-ends", without("ledger.end", "p0")),
    Damage("done-before", too_short, UNSAID),
    Damage("never-started", without("ledger.start", "p0"), UNSAID),
    Damage("sent-without-limits", changed("send.accepted", to=UNLIMITED), UNSAID),
    Damage("never-sent", without("send.accepted"), UNSAID),
)


# time_limit.native-code-is-killed


def stuck() -> Story:
    """A task in native code with limits of 1 and 2 s, started at 1.0."""
    story = Story().say(
        "send.accepted", 0.5, "n", task="queueproof.native", soft_s=1.0, hard_s=2.0
    )
    return story.say("ledger.start", 1.0, "n", pid=10, role="child")


def killed(gone_t: float = 3.2, told_t: float = 3.1) -> Story:
    return stuck().gone(gone_t).reported("n", told_t, "hard_time_limit").watched(30.0)


def returned(t: float, how: str = "success") -> Story:
    story = stuck().say("ledger.end", t, "n", pid=10, role="child", how=how)
    return story.gone(t + 0.1).watched(30.0)


def test_a_process_gone_at_its_hard_limit_and_reported_holds():
    verdict = killed().judged_by(NATIVE)
    assert verdict.status is Status.HOLDS
    assert verdict.measured["kill_s"] == pytest.approx(0.2)


@pytest.mark.parametrize("how", ["success", "soft_time_limit"])
def test_a_call_that_ran_to_its_end_past_the_limit_is_violated(how):
    verdict = returned(9.0, how).judged_by(NATIVE)
    assert verdict.status is Status.VIOLATED
    assert not verdict.timed
    assert "ran to its end" in verdict.summary


def test_a_call_that_returned_before_its_limit_is_inconclusive():
    assert returned(2.0).judged_by(NATIVE).status is Status.INCONCLUSIVE


def test_a_process_that_stays_is_violated_when_its_time_has_come():
    assert stuck().watched(4.0).judged_by(NATIVE).due_t == pytest.approx(5.0)
    verdict = stuck().watched(5.5).judged_by(NATIVE)
    assert verdict.status is Status.VIOLATED
    assert verdict.timed


def test_a_kill_that_nobody_reports_or_that_is_called_a_loss_is_violated():
    silent = stuck().gone(3.1)
    assert silent.watched(5.5).judged_by(NATIVE).due_t == pytest.approx(9.1)
    assert silent.watched(9.5).judged_by(NATIVE).status is Status.VIOLATED
    lost = stuck().gone(3.1).reported("n", 4.0, "lost").watched(5.0)
    assert lost.judged_by(NATIVE).status is Status.VIOLATED


def test_a_task_that_a_fault_killed_or_that_never_started_is_inconclusive():
    hurt = stuck().fault("kill_child", 2.0).gone(2.0).watched(30.0)
    assert hurt.judged_by(NATIVE).status is Status.INCONCLUSIVE
    sent = Story().say("send.accepted", 0.5, "n", task="queueproof.native", hard_s=2.0)
    assert sent.watched(30.0).judged_by(NATIVE).status is Status.INCONCLUSIVE


def test_a_task_that_only_sleeps_is_not_stuck_in_native_code():
    story = ended(probe(), 3.1, "hard_time_limit", "parent").gone(3.2)
    assert story.judged_by(NATIVE).status is Status.INCONCLUSIVE


test_only_a_native_call_killed_at_its_hard_limit_holds = properties.of(
    NATIVE,
    st.builds(killed, st.floats(3.0, 4.9), st.floats(3.0, 9.0)),
    Damage("no-hard-limit", lambda story: returned(9.0)),
    Damage("gone-late", moved("probe.gone", by_s=2.1)),
    Damage("not-gone", without("probe.gone")),
    Damage("not-reported", without("ledger.end")),
    Damage("reported-late", moved("ledger.end", by_s=9.0)),
    Damage("called-lost", changed("ledger.end", to={"how": "lost"})),
    Damage("not-started", without("ledger.start"), Status.INCONCLUSIVE),
)
