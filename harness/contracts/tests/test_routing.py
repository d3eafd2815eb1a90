import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.tests.story import Story
from harness.verdict import Status

LAW = "routing.every-task-has-a-worker"


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


def test_a_late_start_is_violated():
    story = start(start(knocked("one", "two"), "one", 1.2), "two", 12.0)
    assert story.watched(12.0).judged_by(LAW).status is Status.VIOLATED


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


def test_a_queue_named_by_the_sender_says_nothing_about_the_route():
    story = start(knocked("one", "two", queue="q"), "one", 1.2)
    assert start(story, "two", 1.2).judged_by(LAW).status is Status.INCONCLUSIVE


def test_an_unasked_application_is_inconclusive():
    assert Story().watched(9.0).judged_by(LAW).status is Status.INCONCLUSIVE


@given(st.floats(0.0, 9.9), st.floats(10.1, 60.0))
def test_any_prompt_start_holds_and_any_late_one_does_not(soon_s, late_s):
    def told(took_s: float) -> Story:
        story = start(knocked("one", "two"), "one", 1.0)
        return start(story, "two", 1.0 + took_s).watched(100.0)

    assert told(soon_s).judged_by(LAW).status is Status.HOLDS
    assert told(late_s).judged_by(LAW).status is Status.VIOLATED
