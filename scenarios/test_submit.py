"""Somebody submits while Redis, or the broker alone, is away for the API, or is not."""

import contextlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import Driver, NotApplicable, wait_until

#: Submits at the same time, as of so many users.
USERS = 5


@pytest.mark.contract(
    "submit.answers-in-time",
    "submit.does-not-block-others",
    "fallback.follows-policy",
)
def test_submits_while_redis_refuses_and_while_it_hangs(
    stack, target, faults, probes, history
):
    policy = "run_locally" if list(target.fallback) == ["run_locally"] else "refuse"
    history.situation(f"fallback.{policy}")
    with (
        stack.replica("api", target.fallback.get(policy), linked=True) as api,
        contextlib.closing(Driver(target, api.api, history, part=api.name)) as user,
        ThreadPoolExecutor(USERS) as users,
    ):
        for way in (api.broker_link, api.name):
            for damage in (faults.black_hole, faults.refuse):
                wait_until(
                    lambda: user.try_submit("compare"),
                    within_s=20,
                    every_s=0.2,
                    what="a submit is taken, and connections to Redis stand",
                )
                with probes.health(api.name), damage(way):
                    list(users.map(user.try_submit, ["compare"] * USERS))
        for job in history.jobs:
            user.wait_for_state(job.id)


@contextlib.contextmanager
def an_api_that_runs_jobs(stack, target, history):
    """Yield one more API and its user, or say that there is no such policy."""
    if "run_locally" not in target.fallback:
        raise NotApplicable("without a broker no job of it runs: [fallback.refuse]")
    history.situation("fallback.run_locally")
    with (
        stack.replica("api", target.fallback["run_locally"], linked=True) as api,
        contextlib.closing(Driver(target, api.api, history, part=api.name)) as user,
    ):
        user.wait_for_state(user.submit("compare"))  # by a worker
        yield api, user


@pytest.mark.contract("fallback.follows-policy", "submit.answers-in-time")
def test_a_job_is_taken_and_runs_while_redis_hangs_and_while_the_broker_refuses(
    stack, target, faults, history
):
    with an_api_that_runs_jobs(stack, target, history) as (api, user):
        for damage, way in (
            (faults.black_hole, api.name),
            (faults.refuse, api.broker_link),
        ):
            with damage(way):
                job = user.try_submit("compare")
                if job is not None:
                    history.settle(job, within_s=60)
