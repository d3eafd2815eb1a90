from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, again, both, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "progress.attempts-are-told-apart"

UNSAID = Status.INCONCLUSIVE


def told(attempts: int = 2, events: int = 3, frozen: bool = False) -> Story:
    """Each attempt runs 2 s and loses its process; the last one completes.

    With `frozen` no process is lost: each is given up and goes on beside the next.
    """
    story = Story().submitted("a", 0.0).subscribed("a", 0.1)
    seq = 0
    for attempt in range(1, attempts + 1):
        t, pid = 2.0 * attempt, 10 + attempt
        story.say("journal.start", t, "a", pid=pid, attempt=attempt)
        for step in range(events):
            seq += 1
            which = {"seq": seq, "percent": 10 * step, "attempt": attempt}
            story.event("a", "progress", t + 0.2 + 0.1 * step, **which)
        if attempt < attempts and not frozen:
            story.fault("kill_child", t + 1.5, pid=pid)
    t = 2.0 * attempts + 1.0
    story.say("journal.end", t, "a", pid=10 + attempts, how="returned")
    last = {"seq": seq + 1, "percent": 100, "attempt": attempts}
    return story.event("a", "completed", t + 0.1, **last).watched(t + 2.0)


def one(attempt: int, **to: object) -> dict[str, object]:
    return {"name": "driver.event", "attempt": attempt, **to}


SAME = changed("journal.start", to={"attempt": 1})
#: An old process wakes up beside a new one, and tells what it does.
WAKES = both(
    moved("driver.event", attempt=1, percent=10, by_s=2.2),
    moved("driver.event", attempt=1, percent=0, by_s=2.2),
)

test_only_attempts_that_are_told_apart_hold = properties.of(
    LAW,
    st.builds(told, st.integers(2, 3), st.integers(2, 4), st.booleans()),
    Damage("two-executions-of-one-number", SAME),
    Damage("an-older-one-is-heard-again", WAKES),
    Damage("an-event-without", changed(**one(2), to={"attempt": None})),
    Damage("nobody-numbers", changed("driver.event", to={"attempt": None})),
    Damage("one-that-never-ran", changed(**one(2), to={"attempt": 9})),
    Damage("the-second-says-nothing", without(**one(2)), UNSAID),
    Damage("nobody-watched", without("driver.subscribed"), UNSAID),
    Damage("no-progress", without("driver.event", event="progress"), UNSAID),
    Damage("no-execution-was-seen", without("journal.start"), UNSAID),
)


def test_the_second_execution_told_as_the_first_is_violated():
    verdict = changed(**one(2), to={"attempt": 1})(told()).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert "of attempt 2 says that it is of another" in verdict.summary
    assert verdict.observed == "attempt 1 at 4.20 s"


def test_while_two_run_nobody_knows_whose_event_it_is():
    story = changed(**one(2), to={"attempt": 1})(told(frozen=True))
    assert story.judged_by(LAW).status is UNSAID


def test_who_comes_later_hears_the_old_attempt_first_and_that_is_right():
    story = told().subscribed("a", 5.2, by="late", late=True)
    for seq, attempt in enumerate((1, 1, 1, 2, 2, 2), start=1):
        which = {"seq": seq, "percent": 0, "attempt": attempt}
        story.event("a", "progress", 5.3, by="late", **which)
    assert story.judged_by(LAW).status is Status.HOLDS


def twice(executions: int) -> Story:
    """One message is delivered twice, and executed once or twice."""
    story = Story().submitted("a", 0.0).subscribed("a", 0.1)
    for number in range(2):
        t = 1.0 + 3 * number
        story.say("ledger.start", t, "a", pid=10 + number, role="child")
        if number < executions:
            which = {"pid": 10 + number, "attempt": 1}
            story.say("journal.start", t + 0.1, "a", **which)
            story.say("journal.end", t + 1.0, "a", **which, how="returned")
    story.event("a", "progress", 1.5, percent=5)
    return story.event("a", "completed", 2.1, percent=100).watched(9.0)


def test_a_message_delivered_twice_and_executed_once_is_one_attempt():
    assert twice(executions=1).judged_by(LAW).status is Status.HOLDS


def test_a_delivery_that_may_still_run_is_watched_on():
    story = without("harness.heartbeat")(twice(executions=1)).watched(5.0)
    verdict = story.judged_by(LAW)
    assert (verdict.status, verdict.due_t) == (UNSAID, 9.0)
    story.say("ledger.end", 4.9, "a", pid=11, role="child", how="success")
    assert story.judged_by(LAW).status is Status.HOLDS


def test_a_message_executed_twice_under_one_number_is_violated():
    verdict = twice(executions=2).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert verdict.summary == "2 executions are the same attempt."
    assert verdict.observed == "attempt 1 from 1.10 s, attempt 1 from 4.10 s"


def test_a_message_delivered_once_says_nothing():
    story = again("driver.event", event="progress", after_s=0.1)(twice(1))
    story = without("ledger.start", pid=11)(story)
    assert story.judged_by(LAW).status is UNSAID
