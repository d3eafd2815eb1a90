"""A stack that pytest-celery brought up, judged by our contracts.

The worker gets the witness through its environment and two mounts, the two fixtures
below; the tasks are sent as in any test of pytest-celery.
"""

import pytest
from celery import group
from tasks import add, render

from harness import ForeignStack, Status

ENFORCES = "time_limit.deployed-pool-enforces"
BOUNDED = "delivery.poison-is-bounded"
ROUTED = "routing.every-task-has-a-worker"


@pytest.fixture
def foreign(request, tmp_path):
    contracts = request.node.get_closest_marker("judged_by").args
    with ForeignStack(tmp_path / "seen", *contracts, test=request.node.name) as stack:
        yield stack


@pytest.fixture
def default_worker_env(default_worker_env, foreign):
    own = default_worker_env["PYTHONPATH"]
    return default_worker_env | foreign.environment(pythonpath=own)


@pytest.fixture
def worker_volumes(worker_volumes, foreign):
    return worker_volumes | foreign.volumes


@pytest.mark.judged_by(ENFORCES)
def test_a_task_over_its_limits_is_ended(celery_setup, foreign):
    over(foreign)
    foreign.must_hold()


@pytest.mark.judged_by(BOUNDED)
def test_a_task_that_kills_its_process_is_not_run_for_ever(celery_setup, foreign):
    # The witness brings this task along.
    poison = celery_setup.app.send_task("queueproof.suicide")
    foreign.sent(poison.id)
    behind = foreign.sent(add.delay(1, 2).id)
    foreign.history.settle(poison.id, within_s=20)
    foreign.history.settle(behind, within_s=20)
    foreign.must_hold()


@pytest.mark.judged_by(ROUTED)
def test_every_task_starts_on_the_worker(celery_setup, foreign):
    both = group(add.s(1, 2), render.s(0)).apply_async()
    foreign.has_tasks(add.name, render.name)
    for result, task in zip(both.results, (add, render), strict=True):
        foreign.sent(result.id, task=task.name)
    assert both.get(timeout=20) == [3, 0]
    foreign.must_hold()


class TestAWrongWorker:
    """The same stack, whose worker is started with the pool that knows no limits."""

    @pytest.fixture
    def default_worker_command(self, default_worker_command):
        return [*default_worker_command, "--pool=solo"]

    @pytest.mark.judged_by(ENFORCES)
    def test_limits_that_the_pool_ignores_are_found(self, celery_setup, foreign):
        over(foreign)
        verdict = foreign.verdicts()[ENFORCES]
        assert verdict.status is Status.VIOLATED, verdict
        with pytest.raises(AssertionError, match=f"{ENFORCES} VIOLATED"):
            foreign.must_hold()


def over(foreign):
    """Send a task that takes longer than its limits, and let it finish."""
    result = render.apply_async((6,), soft_time_limit=1, time_limit=2)
    foreign.sent(result.id, task=render.name, soft_s=1, hard_s=2)
    foreign.history.settle(result.id, within_s=20)
