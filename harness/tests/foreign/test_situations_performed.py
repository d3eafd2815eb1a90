"""Situations that the reference application cannot be put in, on small ones.

It has no schedule of a few seconds, and its tasks need a row of its API: so the right
application that holds, and the wrong ones that are caught, are here.
"""

import dataclasses

import pytest

from harness import situations
from harness.contract import find_contract
from harness.faults import Faults
from harness.probes import Probes
from harness.run import Run
from harness.scenario import Scenario
from harness.target import Job
from harness.verdict import Status

WORKER = "{python} -m celery -A {app} worker -c 1 --without-mingle --without-gossip"
BEAT = "{python} -m celery -A {app} beat -s {data}/beat"


@pytest.fixture(scope="module")
def runs(plain_target, tmp_path_factory):
    """Return a function that makes the run, with its kept stack, of an application."""
    made = {}

    def of(app: str, **commands: str) -> Run:
        key = (app, *commands.values())
        if key not in made:
            target = dataclasses.replace(
                plain_target, app=f"{app}:app", queues=(app,), commands=commands
            )
            folder = tmp_path_factory.mktemp("run")
            made[key] = Run(target, lambda: folder)
        return made[key]

    yield of
    for run in made.values():
        run.close()


def perform(name: str, run: Run, **fields):
    """Perform a situation of one contract and return the verdict."""
    (one,) = (s for s in situations.situations() if s.name == name)
    (contract,) = one.contracts
    target = dataclasses.replace(run.target, **fields)
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
        run.release_stack(name)


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
def test_what_a_job_makes_of_its_soft_limit(runs, task, status, says):
    job = Job(task=f"batch.{task}", args=(40, 0.1), expected_s=4.0, hard_s=3.5)

    verdict = perform(
        "time_limit.own_jobs_past_their_soft_limit",
        runs("batch", worker=WORKER),
        jobs={"report": job},
    )

    assert verdict.status is status
    assert says in verdict.summary


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        ("", Status.HOLDS, "every 1 s"),
        # As in two replicas of `worker -B`, or one beside a beat.
        (" -B -s {data}/second", Status.VIOLATED, "more often than it was due"),
    ],
    ids=["one-beat", "two-beats"],
)
def test_one_beat_runs_each_entry_once_and_two_run_it_twice(
    runs, options, status, says
):
    run = runs("periodic", worker=WORKER + options, beat=BEAT)

    verdict = perform("schedule.steady_state", run)

    assert verdict.status is status
    assert says in verdict.summary


@pytest.mark.parametrize(
    ("longest_s", "status", "says"),
    [
        (1800.0, Status.HOLDS, "held for 1800 s"),
        # The last of `countdown=60 * 2 ** n`, and Celery's own timeout of an hour.
        (7200.0, Status.VIOLATED, "executed again"),
    ],
)
def test_a_countdown_below_and_above_the_visibility_timeout(
    runs, longest_s, status, says
):
    run = runs("plain", worker=WORKER)

    verdict = perform(
        "retry_long_wait.waits_for_its_time", run, longest_countdown_s=longest_s
    )

    assert verdict.status is status
    assert says in verdict.summary


def test_on_a_stock_worker_what_a_killed_job_had_started_lives_on(runs):
    run = runs("plain", worker=WORKER)

    verdict = perform("time_limit.ended_with_their_processes", run)

    assert verdict.status is Status.VIOLATED
    assert "had started outlived" in verdict.summary
