import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, again, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "fallback.follows-policy"

UNSAID = Status.INCONCLUSIVE

ABOUT = {"api": "api-2", "took_s": 1.1}


def away(policy: str) -> Story:
    story = Story().say("harness.situation", 0.5, name=f"fallback.{policy}")
    return story.fault("black_hole", 1.0, role="api-2")


def refused(took_s: float) -> Story:
    answer = {**ABOUT, "took_s": took_s, "code": 503, "retry_after": "5"}
    story = away("refuse").say("driver.refused", 1.1 + took_s, **answer)
    return story.healed("black_hole", 4.0).watched(5.0)


def ran(after_s: float) -> Story:
    story = away("run_locally")
    story.say("driver.submitted", 2.2, "a", accepted=True, code=202, **ABOUT)
    story.started("a", 2.2 + after_s, pid=20).ended("a", 3.0 + after_s, pid=20)
    return story.healed("black_hole", 4.0 + after_s).watched(5.0 + after_s)


def on_a_worker(story: Story) -> Story:
    t = story.history.of(source="journal", kind="start")[0].t
    return story.say("ledger.start", t - 0.01, "a", pid=20, role="child")


def stray(story: Story) -> Story:
    return story.started("nobody-was-told", 4.5)


test_only_a_refusal_that_says_when_to_come_again_holds = properties.of(
    LAW,
    st.builds(refused, st.floats(0.01, 1.9)),
    Damage("an-error-of-ours", changed("driver.refused", to={"code": 500})),
    Damage("no-retry-after", changed("driver.refused", to={"retry_after": None})),
    Damage("in-no-time", changed("driver.refused", to={"retry_after": "0"})),
    Damage("it-runs", stray),
    Damage("nobody-submitted", without("driver.refused"), UNSAID),
    Damage("no-policy", without("harness.situation"), UNSAID),
    Damage("another-api", changed("driver.refused", to={"api": "api"}), UNSAID),
)

test_only_a_job_that_runs_once_in_the_api_holds = properties.of(
    LAW,
    st.builds(ran, st.floats(0.1, 26.0)),
    Damage("twice", again("journal.start", after_s=0.2)),
    Damage("on-a-worker", on_a_worker),
    Damage("refused", changed("harness.situation", to={"name": "fallback.refuse"})),
    Damage("too-late", moved("journal.start", by_s=60.0)),
    Damage("not-yet", without("journal.start"), UNSAID),
    Damage("broker-was-there", without("fault.injected"), UNSAID),
)


def test_a_job_that_never_starts_is_watched_until_it_is_due():
    story = without("journal.start")(ran(1.0))
    assert story.judged_by(LAW).due_t == pytest.approx(62.2)
    verdict = story.watched(63.0).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert verdict.observed == "never started until 63.00 s"


def test_a_refusal_is_none_where_jobs_are_to_run():
    story = changed("harness.situation", to={"name": "fallback.run_locally"})
    assert story(refused(1.0)).judged_by(LAW).status is Status.VIOLATED


def test_an_answer_may_be_too_late_whatever_it_says():
    story = refused(1.0).say("driver.unanswered", 6.2, api="api-2", took_s=5.0)
    verdict = without("driver.refused")(story).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert verdict.measured == {"t_submit_s": 5.0}


def test_a_worker_that_takes_the_message_and_runs_nothing_is_well():
    """Its child found that the job goes another way."""
    story = ran(1.0).say("ledger.start", 4.0, "a", pid=30, role="child")
    assert story.judged_by(LAW).status is Status.HOLDS
