from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "fallback.ambiguous-publish-runs-once"

UNSAID = Status.INCONCLUSIVE


def accepted(story: Story, t: float, took_s: float = 1.0) -> Story:
    more = {"job_kind": "short", "accepted": True, "took_s": took_s}
    return story.say("driver.submitted", t, "a", **more)


def fell_back(began_s: float, back_s: float, taken_s: float) -> Story:
    """Redis is frozen; the API runs the job itself, later a worker has its message."""
    story = accepted(Story().fault("pause", 1.0, "redis", 2), 2.5)
    began_t = 2.5 + began_s
    story.started("a", began_t, pid=20).ended("a", began_t + 0.5, pid=20)
    back_t = began_t + back_s
    story.healed("pause", back_t)
    story.say("ledger.start", back_t + taken_s, "a", pid=10, role="child")
    return story.watched(began_t + 0.5 + back_t + taken_s + 2.1)


def worker_won() -> Story:
    """The API hears no answer, and a worker has begun before it gives up waiting."""
    story = Story().fault("no_answers", 1.0, "api", 3)
    story.say("ledger.start", 1.6, "a", pid=10, role="child").started("a", 1.7)
    accepted(story, 2.5).ended("a", 2.7).healed("no_answers", 3.0, role="api")
    return story.watched(5.0)


def worker_too(story: Story) -> Story:
    taken = story.history.of(source="ledger", kind="start")[0]
    return story.started("a", taken.t + 0.1, pid=10)


test_only_one_execution_of_an_ambiguous_publish_holds = properties.of(
    LAW,
    st.builds(fell_back, st.floats(0.1, 9.0), st.floats(0.1, 9.0), st.floats(0.1, 9.0)),
    Damage("the-worker-runs-it-too", worker_too),
    Damage("run-twice-by-the-api", lambda s: s.started("a", 50.0, pid=21)),
    Damage("never-in-the-queue", without("ledger.start"), UNSAID),
    Damage("never-executed", without("journal.start"), UNSAID),
    Damage(
        "the-fault-hit-nothing", changed("fault.injected", to={"bit": False}), UNSAID
    ),
    Damage("submitted-before", moved("driver.submitted", by_s=-0.6), UNSAID),
    Damage(
        "another-part-was-out",
        changed("fault.injected", to={"victim": {"role": "worker", "pid": 1}}),
        UNSAID,
    ),
    Damage("not-watched", without("harness.heartbeat"), UNSAID),
)


def test_it_holds_where_the_worker_was_first():
    verdict = worker_won().judged_by(LAW)
    assert verdict.status is Status.HOLDS
    assert "by a worker" in verdict.summary
    verdict = worker_won().started("a", 2.6, pid=20).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert "the API's own process from 2.60 s" in verdict.observed


def test_an_execution_after_a_killed_one_is_its_second_attempt():
    story = worker_won()
    story = without("journal.end")(story).fault("kill_child", 2.0)
    story.started("a", 2.9, pid=11).watched(9.0)
    assert story.judged_by(LAW).status is Status.HOLDS
