import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "routing.unknown-message-does-not-stop"


def planted(fault: str = "unknown_task", *, bit: bool = True, t: float = 1.0) -> Story:
    job = None if fault == "garbage" else "wrong"
    return Story().say(
        "fault.injected", t, job, fault=fault, bit=bit, queue="q", proof="by hand"
    )


def behind(story: Story, sent_t: float = 1.1, took_s: float = 0.1) -> Story:
    story.say("send.accepted", sent_t, "next", task="sleep", queue="q")
    story.say("ledger.start", sent_t + took_s, "next", pid=10, role="child")
    return story.say(
        "ledger.end", sent_t + took_s + 0.1, "next", pid=10, role="child", how="success"
    )


def ended(story: Story, t: float = 1.05, how: str = "unknown") -> Story:
    return story.say("ledger.end", t, "wrong", pid=1, role="parent", how=how)


def exited(story: Story, *times: float) -> Story:
    for t in times:
        story.say("stack.exited", t, role="worker", pid=1, code=1)
    return story


def test_an_unknown_task_that_ends_and_a_job_behind_it_that_starts_hold():
    verdict = behind(ended(planted())).watched(5.0).judged_by(LAW)
    assert verdict.status is Status.HOLDS
    assert verdict.measured["t_rec_s"] == pytest.approx(0.1)
    assert verdict.measured["exits"] == 0


def test_garbage_may_end_the_worker_once():
    story = behind(exited(planted("garbage"), 2.0), took_s=12.0).watched(20.0)
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.HOLDS
    assert verdict.measured["restart_s"] == pytest.approx(12.0)
    assert verdict.measured["exits"] == 1


def test_garbage_that_ends_the_worker_again_and_again_is_violated():
    story = behind(exited(planted("garbage"), 2.0, 4.0), took_s=5.0).watched(20.0)
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert verdict.observed == "exit codes 1, 1"


@pytest.mark.parametrize("fault", ["unknown_task", "older_signature"])
def test_a_message_of_another_release_ends_no_worker(fault):
    story = behind(exited(ended(planted(fault)), 2.0), took_s=5.0).watched(20.0)
    assert story.judged_by(LAW).status is Status.VIOLATED


def test_an_exit_of_another_part_is_not_the_workers():
    story = behind(ended(planted())).say("stack.exited", 2.0, role="api", pid=1, code=1)
    assert story.watched(5.0).judged_by(LAW).status is Status.HOLDS


def test_an_exit_after_the_next_fault_is_the_next_ones():
    story = behind(ended(planted())).fault("kill_main", 3.0, role="worker", pid=1)
    assert exited(story, 3.1).watched(5.0).judged_by(LAW).status is Status.HOLDS


@pytest.mark.parametrize(
    ("fault", "due_t"), [("unknown_task", 11.1), ("garbage", 61.1)]
)
def test_a_job_that_does_not_start_is_violated_when_its_time_has_come(fault, due_t):
    story = planted(fault)
    if fault == "unknown_task":
        ended(story)
    story.say("send.accepted", 1.1, "next", task="sleep", queue="q")
    early = story.watched(due_t - 1).judged_by(LAW)
    assert early.status is Status.INCONCLUSIVE
    assert early.due_t == pytest.approx(due_t)
    late = story.watched(due_t + 1).judged_by(LAW)
    assert late.status is Status.VIOLATED
    assert late.timed


def test_a_task_that_goes_round_for_ever_is_violated():
    story = behind(planted())
    assert story.watched(9.0).judged_by(LAW).due_t == pytest.approx(11.0)
    assert story.watched(12.0).judged_by(LAW).status is Status.VIOLATED


def test_an_older_call_that_is_called_a_success_is_violated():
    story = behind(ended(planted("older_signature"), how="success")).watched(5.0)
    assert story.judged_by(LAW).status is Status.VIOLATED


def test_a_job_sent_before_or_to_another_queue_says_nothing():
    story = ended(behind(ended(planted(), 2.0), sent_t=0.5))
    story.say("send.accepted", 1.5, "elsewhere", task="sleep", queue="other")
    story.say("ledger.start", 1.6, "elsewhere", pid=10, role="child")
    assert story.watched(90.0).judged_by(LAW).status is Status.INCONCLUSIVE


def test_a_message_that_never_lay_there_says_nothing():
    story = behind(planted(bit=False)).watched(90.0)
    assert story.judged_by(LAW).status is Status.INCONCLUSIVE


@st.composite
def legal(draw, fault="unknown_task"):
    story = planted(fault)
    if fault == "garbage":
        exited(story, 1.2)
    else:
        how = draw(st.sampled_from(["unknown", "failure:TypeError", "rejected"]))
        ended(story, draw(st.floats(1.0, 10.9)), how)
    took_s = draw(st.floats(0.01, 9.9))
    return behind(story, took_s=took_s).watched(80.0)


WRONG_CALLS = st.sampled_from(["unknown_task", "older_signature"]).flatmap(legal)

test_only_a_message_that_ends_and_stops_nobody_holds = properties.of(
    LAW,
    WRONG_CALLS,
    Damage("never-started", without("ledger.start", "next")),
    Damage("started-late", moved("ledger.start", "next", by_s=10.1)),
    Damage("no-end", without("ledger.end", "wrong")),
    Damage("ended-late", moved("ledger.end", "wrong", by_s=10.1)),
    Damage("a-success", changed("ledger.end", "wrong", to={"how": "success"})),
    Damage("the-worker-ends", lambda story: exited(story, 5.0)),
    Damage("nobody-behind", without("send.accepted"), Status.INCONCLUSIVE),
)

test_only_garbage_that_ends_the_worker_once_holds = properties.of(
    LAW,
    legal("garbage"),
    Damage("never-started", without("ledger.start", "next")),
    Damage("ends-it-twice", lambda story: exited(story, 5.0)),
    Damage("nobody-behind", without("send.accepted"), Status.INCONCLUSIVE),
)
