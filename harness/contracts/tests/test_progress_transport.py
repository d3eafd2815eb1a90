import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, again, both, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "progress.lost-transport-does-not-stop-the-job"

UNSAID = Status.INCONCLUSIVE


def told(
    took_s: float = 1.5,
    slower_s: float = 0.2,
    fault: str = "pause",
    role: str = "redis",
) -> Story:
    """A job in health; then the same, and Redis is away from its middle on."""
    story = Story()
    story.say("driver.submitted", 0.0, "healthy", job_kind="short", request="r")
    story.subscribed("healthy", 0.1).started("healthy", 0.2)
    story.ended("healthy", 0.2 + took_s)
    story.event("healthy", "completed", 0.3 + took_s)
    begin = 10.0
    story.say("driver.submitted", begin, "hurt", job_kind="short", request="r")
    story.subscribed("hurt", begin + 0.1).started("hurt", begin + 0.2, pid=11)
    story.fault(fault, begin + 0.7, role=role, pid=3)
    end = begin + 0.2 + took_s + slower_s
    story.ended("hurt", end, pid=11)
    story.healed(fault, end + 2.0, role=role)
    story.event("hurt", "completed", end + 2.5)
    return story.watched(end + 15.0)


LIMIT = {"how": "soft_time_limit"}
FAILED = {"event": "failed", "reason": "error"}
UNHEARD = both(without("driver.event", "hurt"), moved("harness.heartbeat", by_s=-4.0))

test_only_a_job_that_goes_on_and_is_told_holds = properties.of(
    LAW,
    st.builds(
        told,
        st.floats(1.2, 5.0),
        st.floats(-0.1, 0.9),
        st.sampled_from(["pause", "pause_writes", "redis_stop"]),
    ),
    Damage("it-raises", changed("journal.end", "hurt", to={"how": "raised:Error"})),
    Damage("it-runs-into-a-limit", changed("journal.end", "hurt", to=LIMIT)),
    Damage("it-is-held-up", moved("journal.end", "hurt", by_s=1.2)),
    Damage("it-stands-still", without("journal.end", "hurt")),
    Damage("it-runs-again", again("journal.start", "hurt", after_s=3.0)),
    Damage("it-is-told-as-failed", changed("driver.event", "hurt", to=FAILED)),
    Damage("it-is-never-told", without("driver.event", "hurt")),
    Damage("it-is-told-too-late", moved("driver.event", "hurt", by_s=10.0)),
    Damage("redis-was-there", without("fault.injected"), UNSAID),
    Damage("the-fault-missed", changed("fault.injected", to={"bit": False}), UNSAID),
    Damage("it-had-ended", moved("fault.injected", by_s=7.0), UNSAID),
    Damage("another-part", changed("fault.injected", to={"victim": None}), UNSAID),
    Damage("no-run-in-health", without("journal.end", "healthy"), UNSAID),
    Damage(
        "none-of-its-kind",
        changed("driver.submitted", "hurt", to={"request": 2}),
        UNSAID,
    ),
    Damage("the-end-not-watched", UNHEARD, UNSAID),
)


@pytest.mark.parametrize("fault", ["black_hole", "refuse"])
def test_the_way_of_the_worker_counts(fault):
    assert told(fault=fault, role="worker").judged_by(LAW).status is Status.HOLDS
    assert told(fault=fault, role="api").judged_by(LAW).status is UNSAID


def test_an_outage_at_the_end_of_a_run_says_nothing():
    verdict = told(took_s=0.6, slower_s=0.05).judged_by(LAW)
    assert verdict.status is UNSAID
    assert "too shortly" in verdict.summary


def test_a_frozen_worker_is_another_matter():
    assert told(role="worker").judged_by(LAW).status is UNSAID


def test_the_page_tells_for_how_long_it_was_held_up():
    verdict = told(slower_s=1.3).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert verdict.summary == "Redis held up a job for 1.30 s."
    assert verdict.expected.startswith("a run of 2.50 s at most: 1.50 s as in health")
    assert "returned after 2.80 s" in verdict.observed


def test_what_was_seen_is_measured():
    measured = told().judged_by(LAW).measured
    assert measured["delay_s"] == pytest.approx(0.2)
    assert measured["told_s"] == pytest.approx(0.5)


def test_a_run_that_is_still_in_time_is_watched_on():
    story = without("journal.end", "hurt")(told())
    story = without("harness.heartbeat")(story)
    story = without("driver.event", "hurt")(without("fault.healed")(story))
    verdict = story.watched(12.0).judged_by(LAW)
    assert verdict.status is UNSAID
    assert verdict.due_t == pytest.approx(10.2 + 1.5 + 1.0)
