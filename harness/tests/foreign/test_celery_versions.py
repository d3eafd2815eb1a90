"""Witness and agent at both ends of the range of Celery versions, on every pool.

Per version two stacks, one with the witness and one without, each with a worker per
pool; every pool is driven at the same time.
"""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.stack import Stack
from harness.target import Target
from harness.tests.conftest import APPS
from harness.tests.pinned_venv import python_with
from harness.wait import wait_until

VERSIONS = {"5.3": "5.3.6", "5.7": "5.7.0"}
POOLS = ("prefork", "solo", "threads", "gevent", "eventlet")

#: How the ledger says that each job ended, on every pool; the parent's lines with a +.
ENDINGS = {
    "add": ["success"],
    "boom": ["failure:ValueError"],
    "retry": ["retry", "success"],
    "unknown": ["+unknown"],
    "revoked": ["+revoked"],
}

FINAL = ("SUCCESS", "FAILURE", "REVOKED")


@dataclass
class Told:
    """What one pool did: {name: job}, and what the result store says of each."""

    jobs: dict[str, str] = field(default_factory=dict)
    states: dict[str, dict] = field(default_factory=dict)


class Drive:
    """Sends to one worker of one pool, a job after the other."""

    def __init__(self, stack, pool):
        self.stack, self.pool, self.told = stack, pool, Told()
        self.queue = stack.probe_worker(pool=pool).queue()

    def send(self, name, task, *args, **options):
        job = self.stack.agent.send(task, args, queue=self.queue, **options)
        self.told.jobs[name] = job
        return job

    def settle(self, name, states=FINAL):
        job, seen = self.told.jobs[name], {}

        def there():
            seen.update(self.stack.agent.state(job))
            return seen["state"] in states

        what = f"{name} on {self.pool} is {' or '.join(states)}"
        wait_until(there, within_s=30, what=what, on_timeout=lambda: str(seen))
        self.told.states[name] = seen

    def run(self, name, task, *args, **options):
        self.send(name, task, *args, **options)
        self.settle(name)

    def everything(self):
        self.run("add", "endings.add", 1, 2)
        self.run("boom", "endings.boom")
        self.run("retry", "endings.again", 1)
        self.run("unknown", "endings.no_such_task")
        self.stack.agent.revoke(
            self.send("revoked", "endings.add", 1, 2, countdown=0.5)
        )
        self.settle("revoked")
        if self.pool == "prefork":
            self.run("soft", "endings.nap", 9, soft_s=0.3, hard_s=20)
            self.run("die", "endings.die")
            self.run("die_once", "endings.die_once")
        if self.pool in ("prefork", "gevent"):
            self.run("hard", "endings.nap", 9, hard_s=0.4)
        if self.pool in ("prefork", "eventlet"):
            job = self.send("terminated", "endings.nap", 9)
            self.settle("terminated", ("STARTED",))
            self.stack.agent.revoke(job, terminate=True)
            self.settle("terminated")
        return self.told


def drive_all(stack):
    with ThreadPoolExecutor(len(POOLS)) as threads:
        told = threads.map(lambda pool: Drive(stack, pool).everything(), POOLS)
        return dict(zip(POOLS, told, strict=True))


@pytest.fixture(scope="module", params=VERSIONS)
def stack(request, process_engine, tmp_path_factory):
    python = str(python_with(Path(__file__).with_name(f"celery-{request.param}.txt")))
    target = Target("endings:app", python, pythonpath=(APPS,))
    made = Stack(target, process_engine, tmp_path_factory.mktemp("run")).start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def told(stack):
    return drive_all(stack)


@pytest.fixture(scope="module")
def control(stack, process_engine, tmp_path_factory):
    """What the same workers do without the witness."""
    folder = tmp_path_factory.mktemp("control")
    made = Stack(stack.target, process_engine, folder, witness=False).start()
    try:
        yield drive_all(made)
        assert list(made.layout.ledger.iterdir()) == []
    finally:
        made.stop()


def hows(stack, job):
    """Return how the ledger says that it ended, what the parent says after a +."""
    return [
        f"{'+' if line['role'] == 'parent' else ''}{line['how']}"
        for line in stack.executions.lines("ledger", job)
        if line["what"] == "end"
    ]


@pytest.mark.parametrize("pool", POOLS)
def test_results_and_states_are_the_same_without_the_witness(told, control, pool):
    assert told[pool].states == control[pool].states


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("name", ENDINGS)
def test_the_ledger_tells_every_ending(stack, told, pool, name):
    assert hows(stack, told[pool].jobs[name]) == ENDINGS[name]


@pytest.mark.parametrize("pool", POOLS)
def test_attempts_carry_the_number_of_retries(stack, told, pool):
    lines = stack.executions.lines("ledger", told[pool].jobs["retry"])
    starts = [line for line in lines if line["what"] == "start"]

    assert [start["retries"] for start in starts] == [0, 1]
    assert len({(line["pid"], line["worker"]) for line in lines}) == 1


def test_a_soft_limit_is_told_by_the_child(stack, told):
    assert hows(stack, told["prefork"].jobs["soft"]) == ["soft_time_limit"]


def test_a_killed_child_is_told_by_the_parent(stack, told):
    assert hows(stack, told["prefork"].jobs["die"]) == ["+lost"]


def test_an_attempt_after_a_lost_child_is_a_redelivery(stack, told):
    job = told["prefork"].jobs["die_once"]
    starts = [
        line
        for line in stack.executions.lines("ledger", job)
        if line["what"] == "start"
    ]

    assert [(s["redelivered"], s["retries"]) for s in starts] == [(False, 0), (True, 0)]
    assert starts[0]["pid"] != starts[1]["pid"]
    assert hows(stack, job)[-1] == "success"


def test_a_hard_limit_is_told_by_the_parent(stack, told):
    seen = set(hows(stack, told["prefork"].jobs["hard"]))

    assert "+hard_time_limit" in seen
    assert seen <= {"+hard_time_limit", "terminated"}


def test_a_hard_limit_of_gevent_is_told_by_the_greenlet(stack, told):
    assert hows(stack, told["gevent"].jobs["hard"])[0] == "hard_time_limit"


@pytest.mark.parametrize("pool", ["prefork", "eventlet"])
def test_a_terminated_task_is_told_by_both(stack, told, pool):
    seen = set(hows(stack, told[pool].jobs["terminated"]))

    assert seen == {"+revoked", "terminated"}


@pytest.mark.parametrize("pool", POOLS)
def test_probe_tasks_are_there_on_every_pool(stack, told, pool):
    worker = stack.probe_worker(pool=pool)
    job = stack.agent.probe("sleep", ticks=2, queue=worker.queue())

    def lines():
        found = stack.executions.lines("ledger", job)
        return found if found and found[-1]["what"] == "end" else None

    seen = wait_until(lines, within_s=20, what="the probe task ended")

    whats = [line.get("name") or line["what"] for line in seen]
    assert whats == ["start", "tick", "tick", "cleanup", "end"]


def test_the_agent_describes_and_inspects(stack, told, request):
    version = VERSIONS[request.node.callspec.params["stack"]]
    seen = stack.agent.describe()

    assert seen["celery"] == version
    assert seen["broker_read"] == stack.urls.broker
    assert seen["results"] == stack.urls.results
    assert seen["conf"]["task_track_started"] is True
    assert "endings.nap" in seen["tasks"]
    names = {name.partition("@")[0] for name in stack.agent.workers(timeout_s=1)}
    assert names == {f"probe-{number}" for number in range(len(POOLS))}
    pools = stack.agent.inspect("stats", timeout_s=1).values()
    assert len({answer["pool"]["implementation"] for answer in pools}) == len(POOLS)


@pytest.mark.parametrize(
    "patch",
    [
        "from gevent import monkey; monkey.patch_all()",
        "import eventlet; eventlet.monkey_patch()",
    ],
)
def test_a_patched_socket_is_guarded_too(stack, patch):
    code = f"{patch}\nimport socket\nsocket.create_connection(('224.0.0.99', 5432), 1)"
    command = stack.process("agent").command
    quiet = {**command.env, "PYTHONWARNINGS": "ignore", "QUEUEPROOF_LEDGER": ""}

    done = subprocess.run(
        [stack.target.python, "-c", code],
        env=quiet,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "agent tried to reach 224.0.0.99:5432 from" in done.stderr
