import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, both, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "routing.every-task-has-a-worker"

UNSAID = Status.INCONCLUSIVE


def knocked(*tasks: str, queue: str | None = None) -> Story:
    """An application with the tasks one and two; these are sent at 1.0."""
    story = Story().say("agent.tasks", 0.5, names=["one", "two"])
    for task in tasks:
        story.say("send.accepted", 1.0, f"job-{task}", task=task, queue=queue)
    return story


def start(story: Story, task: str, t: float) -> Story:
    return story.say("ledger.start", t, f"job-{task}", pid=10, role="child", task=task)


def test_every_task_that_starts_holds():
    verdict = start(start(knocked("one", "two"), "one", 1.2), "two", 1.9)
    verdict = verdict.watched(3.0).judged_by(LAW)
    assert verdict.status is Status.HOLDS
    assert verdict.measured["t_rec_s"] == pytest.approx(0.9)


def test_one_task_without_a_worker_is_violated():
    story = start(knocked("one", "two"), "one", 1.2).watched(30.0)
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert verdict.timed
    assert verdict.summary == "two did not start in time."


def test_a_worker_that_does_not_know_the_task_is_violated_at_once():
    story = start(knocked("one", "two"), "one", 1.2)
    story.say("ledger.end", 1.3, "job-two", pid=1, role="parent", how="unknown")
    verdict = story.watched(2.0).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert not verdict.timed


def test_a_task_not_watched_long_enough_is_watched_on():
    verdict = start(knocked("one", "two"), "one", 1.2).watched(5.0).judged_by(LAW)
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.due_t == pytest.approx(11.0)


def test_a_task_that_was_not_sent_is_inconclusive():
    story = start(knocked("one"), "one", 1.2).watched(30.0)
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.INCONCLUSIVE
    assert "two" in verdict.summary


def started(tasks: int, times: int, took_s: float) -> Story:
    """Each task of the application is sent a few times, and each starts."""
    names = ["one", "two", "three"][:tasks]
    story = Story().say("agent.tasks", 0.5, names=names)
    for n in range(times):
        for task in names:
            job, t = f"{task}-{n}", 1.0 + n
            story.say("send.accepted", t, job, task=task, queue=None)
            which = {"pid": 10, "role": "child", "task": task}
            story.say("ledger.start", t + took_s, job, **which)
    return story.watched(60.0)


def unknown(story: Story) -> Story:
    what = {"pid": 1, "role": "parent", "how": "unknown"}
    return without("ledger.start", "one-0")(story).say(
        "ledger.end", 1.1, "one-0", **what
    )


UNSEEN = both(without("ledger.start"), without("harness.heartbeat"))

test_only_tasks_that_all_start_in_time_hold = properties.of(
    LAW,
    st.builds(started, st.integers(1, 3), st.integers(1, 2), st.floats(0.0, 9.9)),
    Damage("one-never-starts", without("ledger.start", "one-0")),
    Damage("one-starts-late", moved("ledger.start", "one-0", by_s=10.1)),
    Damage("the-worker-does-not-know-it", unknown),
    Damage("none-starts", without("ledger.start")),
    Damage("one-was-never-sent", without("send.accepted", task="one"), UNSAID),
    Damage("sent-to-a-queue", changed("send.accepted", to={"queue": "q"}), UNSAID),
    Damage("nobody-asked", without("agent.tasks"), UNSAID),
    Damage("it-has-no-tasks", changed("agent.tasks", to={"names": []}), UNSAID),
    Damage("not-watched", UNSEEN, UNSAID),
)
