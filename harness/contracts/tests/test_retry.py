from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "retry.permanent-errors-are-not-retried"

UNSAID = Status.INCONCLUSIVE

FETCH = {"fetch": {"retries": 2, "transient": ["Gone"]}, "short": {}}


def story() -> Story:
    return Story(limits=FETCH)


def run(told: Story, job: str, n: int, how: str, *, at: float) -> Story:
    """Let the job's n-th run begin then, and end 0.5 s later."""
    return told.started(job, at, pid=n).ended(job, at + 0.5, how, pid=n)


def failed(how: str, at: float) -> Story:
    """A job ends for good; another one meets faults that pass, as often as declared."""
    told = story().submitted("a", 0.1).subscribed("a", 0.2)
    run(told, "a", 9, how, at=at)
    told.event("a", "failed", at + 0.6)
    told.submitted("b", 0.3, "fetch")
    for n in (1, 2, 3):
        run(told, "b", n, "raised:Gone", at=at + n)
    told.status("b", at + 3.6, "failed", on_event=None)
    return told.watched(at + 4.8)


def again(after_s: float) -> properties.Edit:
    def edit(told: Story) -> Story:
        end = told.history.of(source="journal", kind="end", job="a")[0].t
        return told.started("a", end + after_s, pid=10).watched(end + after_s + 3)

    return edit


def a_fourth_start(told: Story) -> Story:
    return told.started("b", told.history.watched_until_s, pid=4)


FINAL = ["raised:KeyError", "raised:Gone", "soft_time_limit", "failure:ValueError"]

test_only_what_ends_for_good_once_holds = properties.of(
    LAW,
    st.builds(failed, st.sampled_from(FINAL), st.floats(0.5, 5.0)),
    Damage("started-again", again(0.3)),
    Damage("started-again-late", again(5.0)),
    Damage("once-too-often", a_fourth_start),
    Damage("no-ending", without("driver.event"), UNSAID),
    Damage("no-ending-of-the-other", without("driver.status"), UNSAID),
    Damage("not-watched", moved("harness.heartbeat", by_s=-0.5), UNSAID),
)


def cancelled(*, at: float) -> Story:
    told = story().submitted("a", 0.1, "fetch")
    run(told, "a", 1, "raised:Gone", at=1.0)
    told.cancel("a", at, "cancelled").status("a", at + 0.1, "cancelled")
    return told.watched(at + 2.0)


def test_a_job_that_is_cancelled_between_two_tries_is_not_started_again():
    assert cancelled(at=2.0).judged_by(LAW).status is Status.HOLDS
    verdict = cancelled(at=2.0).started("a", 2.5, pid=2).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert "after it was cancelled" in verdict.summary


def test_a_job_that_is_cancelled_while_it_runs_may_be_between_two_tries():
    """Its run ends with a fault that passes, and the wish to cancel ends the job."""
    assert cancelled(at=1.2).judged_by(LAW).status is Status.HOLDS


def test_a_hard_limit_that_only_the_parent_tells_ends_a_job_for_good():
    told = story().submitted("a", 0.1).started("a", 1.0, pid=1)
    told.reported("a", 4.0, "hard_time_limit").status("a", 4.1, "failed").watched(6.0)
    assert told.judged_by(LAW).status is Status.HOLDS
    assert told.started("a", 5.0, pid=2).judged_by(LAW).status is Status.VIOLATED


def lost(starts: int) -> Story:
    """A job of three tries at most loses its process in the second."""
    told = story().submitted("a", 0.1, "fetch")
    for n in range(1, starts + 1):
        run(told, "a", n, "raised:Gone", at=float(n))
    told = without("journal.end", pid=2)(told).fault("kill_child", 2.2, pid=2)
    return told.status("a", starts + 0.6, "failed").watched(starts + 3.0)


def test_a_lost_process_may_be_replaced_once_and_gives_no_new_tries():
    assert lost(3).judged_by(LAW).status is Status.HOLDS
    assert lost(4).judged_by(LAW).status is Status.HOLDS
    verdict = lost(5).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert "at most 4 starts" in verdict.expected


def test_an_error_that_nobody_declared_as_passing_does_not_pass():
    told = changed("harness.run", to={"limits": {}})(lost(2))
    assert told.judged_by(LAW).status is Status.VIOLATED


def test_a_job_that_succeeds_at_once_says_nothing():
    told = run(story().submitted("a", 0.1), "a", 1, "returned", at=1.0).watched(5.0)
    assert told.judged_by(LAW).status is UNSAID
