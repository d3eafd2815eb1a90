import dataclasses

import pytest

from harness.agent import Agent
from harness.errors import AgentError
from harness.history import History
from harness.stack import Stack
from harness.wait import wait_until


def test_it_describes_the_application_from_inside(plain_stack):
    seen = plain_stack.agent.describe()

    assert seen["broker_read"] == seen["broker_write"] == plain_stack.urls.broker
    assert seen["results"] == plain_stack.urls.results
    assert seen["queues"] == ["plain"]
    assert seen["celery"].startswith("5.")
    assert seen["conf"]["worker_prefetch_multiplier"] == 1
    assert seen["tasks"]["plain.add"]["acks_late"] is False
    assert seen["visibility_timeout_s"] == 3600


def test_a_sent_task_is_an_observation(plain_stack):
    history = plain_stack.history

    job = plain_stack.agent.send("plain.add", (1, 2), soft_s=3, hard_s=5, queue="plain")

    (seen,) = history.of(source="send", kind="accepted")
    assert seen.job == job
    assert dict(seen.data) == {
        "task": "plain.add",
        "soft_s": 3,
        "hard_s": 5,
        "queue": "plain",
    }


def test_workers_answer_with_their_pids(plain_stack):
    pid = plain_stack.process("worker").id.pid

    # It listens to such questions an instant after it is ready.
    wait_until(
        lambda: pid in plain_stack.agent.workers().values(),
        within_s=20,
        what="it answers",
    )


def test_what_it_cannot_do_is_an_error_with_its_log(plain_stack):
    with pytest.raises(AgentError, match=r"(?s)could not send: TypeError.*agent\.log"):
        plain_stack.agent.ask("send", task="plain.add", args=[1])


def test_an_answer_that_is_late_is_dropped(plain_stack):
    with pytest.raises(AgentError, match=r"did not answer 'workers' within 0 s"):
        plain_stack.agent.ask("workers", within_s=0, timeout_s=0.2)

    assert plain_stack.agent.where("plain").endswith("plain.py")


def test_a_dead_agent_is_an_error(process_engine, plain_stack):
    command = plain_stack._launcher.agent()
    process = process_engine.start(command)
    agent = Agent(process_engine, process, History())
    process_engine.stop(process, within_s=0)

    with pytest.raises(AgentError, match="The agent"):
        agent.describe()


def test_a_knocked_task_starts_and_its_function_is_not_reached(plain_stack):
    history, agent = plain_stack.history, plain_stack.agent
    assert "plain.add" in agent.tasks()

    job = agent.knock("plain.add")

    (known,) = history.of(source="agent", kind="tasks")
    (seen,) = history.of(source="send", kind="accepted", job=job)
    assert "plain.add" in known["names"]
    assert dict(seen.data) == {"task": "plain.add", "queue": None}

    def ended():
        lines = list(plain_stack.executions.lines("ledger", job))
        return lines if any(line["what"] == "end" for line in lines) else None

    start, end = wait_until(ended, within_s=10, what="the worker ended the task")
    assert start["queue"] == "plain"
    assert end["how"] == "failure:TypeError"


def test_what_is_revoked_and_what_the_store_says_are_observations(plain_stack):
    history = plain_stack.history

    job = plain_stack.agent.send("plain.add", (1, 2), queue="nobodys-again")
    plain_stack.agent.revoke(job)
    plain_stack.agent.state(job)

    (revoked,) = history.of(source="agent", kind="revoked")
    assert (revoked.job, revoked["terminate"]) == (job, False)
    (state,) = history.of(source="agent", kind="state")
    assert (state.job, state["state"] in ("PENDING", "REVOKED")) == (job, True)


def test_beats_entries_are_told_with_their_periods(
    process_engine, plain_target, tmp_path
):
    target = dataclasses.replace(plain_target, app="periodic:app", commands={})
    history = History()
    stack = Stack(target, process_engine, tmp_path, history=history).start()
    try:
        assert stack.agent.schedule() == {
            "sweep": {"task": "periodic.sweep", "every_s": 1.0},
            "report": {"task": "periodic.report", "every_s": None},
        }
    finally:
        stack.stop()
    (seen,) = history.of(source="agent", kind="schedule")
    assert seen["entries"]["sweep"]["every_s"] == 1.0
