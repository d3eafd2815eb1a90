"""Situations on small applications, for real: right ones hold, wrong ones do not."""

import dataclasses

import pytest

from harness import situations
from harness.contract import find_contract
from harness.faults import Faults
from harness.probes import Probes
from harness.run import Run
from harness.scenario import Scenario
from harness.target import Job, Target
from harness.verdict import Status

WORKER = "{python} -m celery -A {app} worker -c 1 --without-mingle --without-gossip"
BEAT = "{python} -m celery -A {app} beat -s {data}/beat"


@pytest.fixture
def perform(plain_target, tmp_path):
    """Return a function that performs a situation and returns its only verdict."""
    runs = []

    def on(name: str, target: Target):
        run = Run(target, lambda: tmp_path)
        runs.append(run)
        (one,) = (s for s in situations.situations() if s.name == name)
        (contract,) = one.contracts
        scenario = Scenario(run, name, [find_contract(contract)])
        history = scenario.history
        stack = run.stack_for(history)
        probes = Probes(stack, history)
        scenario.follow(stack, probes)
        try:
            one.perform(
                target=target,
                stack=stack,
                agent=stack.agent,
                faults=Faults(stack, history),
                probes=probes,
                history=history,
            )
            return scenario.finish().verdicts[contract]
        finally:
            scenario.close()
            probes.close()

    yield on
    for run in runs:
        run.close()


@pytest.fixture
def small(plain_target):
    """Return a function that describes another small application beside `plain`."""

    def app(name: str, *options: str, **fields) -> Target:
        commands = {"worker": " ".join((WORKER, *options)), **fields.pop("more", {})}
        return dataclasses.replace(
            plain_target,
            app=f"{name}:app",
            queues=(name,),
            commands=commands,
            **fields,
        )

    return app


# time_limit


@pytest.mark.parametrize(
    ("task", "status", "says"),
    [
        ("careful", Status.HOLDS, "soft_time_limit"),
        ("own_error", Status.HOLDS, "failure:RuntimeError"),
        ("goes_on", Status.VIOLATED, "worked on past its soft limit"),
        ("half_done", Status.VIOLATED, "became a success"),
        ("again", Status.VIOLATED, "tried again"),
    ],
)
def test_what_a_job_makes_of_its_soft_limit(perform, small, task, status, says):
    job = Job(task=f"batch.{task}", args=(40, 0.1), expected_s=4.0, hard_s=3.5)
    target = small("batch", jobs={"report": job})

    verdict = perform("time_limit.own_jobs_past_their_soft_limit", target)

    assert verdict.status is status
    assert says in verdict.summary


def test_native_code_is_killed_in_a_process_and_not_in_a_thread(perform, small):
    name = "time_limit.stuck_in_native_code"
    assert perform(name, small("plain")).status is Status.HOLDS
    threads = perform(name, small("plain", "--pool=threads"))
    assert threads.status is Status.VIOLATED
    assert "ran to its end" in threads.summary


# routing


def test_wrong_messages_do_not_stop_a_plain_worker(perform, small):
    for name in ("messages_of_another_release", "bytes_that_are_no_message"):
        assert perform(f"routing.{name}", small("plain")).status is Status.HOLDS


# schedule


def test_one_beat_runs_each_entry_once_and_two_run_it_twice(perform, small):
    """The second beat is in the worker, as in two replicas of `worker -B`."""
    name, more = "schedule.steady_state", {"beat": BEAT}
    assert perform(name, small("scheduled", more=more)).status is Status.HOLDS
    twice = perform(name, small("scheduled", "-B -s {data}/second", more=more))
    assert twice.status is Status.VIOLATED
    assert "more often than it was due" in twice.summary
