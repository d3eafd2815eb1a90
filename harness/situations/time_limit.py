"""Tasks that exceed their limits on the worker as it is deployed."""

from harness.agent import Agent
from harness.errors import NotApplicable
from harness.faults import Faults
from harness.history import History
from harness.occupied import HOLD_S
from harness.probes import Probes
from harness.situations import situation
from harness.target import Job, Target
from harness.task_endings import CANCEL, HARD_LIMIT, SIGKILL, SOFT_LIMIT, end

#: Ways to end by force, and the limits in seconds that this takes; what a task starts
#: is there in 0.1.
BY_FORCE = {
    CANCEL: (None, None),
    SIGKILL: (None, None),
    SOFT_LIMIT: (1.0, HOLD_S),
    HARD_LIMIT: (1.0, 2.0),
}

#: Seconds that started processes live where nobody ends them.
OUTLIVE_S = 60.0


@situation("time_limit.deployed-pool-enforces", takes_s=1)
def only_sleeps(agent: Agent, target: Target, history: History) -> None:
    """Let a task sleep past both limits; it hears every signal."""
    queue = target.queues[0]
    task = agent.probe("sleep", seconds=6, soft_s=1, hard_s=2, queue=queue)
    history.settle(task, within_s=20)


@situation("time_limit.deployed-pool-enforces", takes_s=2)
def swallows_its_soft_limit(agent: Agent, target: Target, history: History) -> None:
    """Let a task swallow its soft limit: only the hard one can end it."""
    queue = target.queues[0]
    task = agent.probe("swallow", seconds=6, soft_s=1, hard_s=2, queue=queue)
    history.settle(task, within_s=20)


@situation("time_limit.native-code-is-killed", takes_s=2.5)
def stuck_in_native_code(agent: Agent, target: Target, history: History) -> None:
    """Let a task stay in one call of C code, past both limits; it hears no signal."""
    queue = target.queues[0]
    task = agent.probe("native", seconds=8, soft_s=1, hard_s=2, queue=queue)
    history.settle(task, within_s=25)


@situation("time_limit.nothing-outlives-the-job", takes_s=8, asked=True)
def ended_with_their_processes(
    agent: Agent, target: Target, faults: Faults, probes: Probes, history: History
) -> None:
    """Let tasks start processes and end: cancelled, killed, at their limits."""
    queue = target.queues[0]
    for ending, (soft_s, hard_s) in BY_FORCE.items():
        job = agent.probe(
            "start_processes",
            seconds=HOLD_S,
            outlive_s=OUTLIVE_S,
            ends=ending.ends,
            soft_s=soft_s,
            hard_s=hard_s,
            queue=queue,
        )
        history.situation(f"outlive.{ending.name}", job)
        history.until(
            job, "ledger.mark", within_s=20, where=lambda o: o.get("name") == "started"
        )
        probes.watch_started(job)
        end(ending, job, agent, faults)
        history.settle(job, within_s=20)
        agent.release(job)  # where nothing could end it


@situation("time_limit.soft-limit-is-not-swallowed", takes_s=4)
def own_jobs_past_their_soft_limit(
    agent: Agent, target: Target, history: History
) -> None:
    """Send each described job that has a task, with limits shorter than it lasts."""
    described = [(kind, job) for kind, job in target.jobs.items() if job.task]
    if not described:
        raise NotApplicable(
            "no job of the application is described with its task; add a table "
            '[job.NAME] with task = "module.task" and expected_s'
        )
    for kind, job in described:
        soft_s, hard_s = _limits(kind, job)
        sent = agent.send(
            job.task, tuple(job.args), dict(job.kwargs), soft_s=soft_s, hard_s=hard_s
        )
        history.settle(sent, within_s=20 + hard_s)
        agent.state(sent)


def _limits(kind: str, job: Job) -> tuple[float, float]:
    """Return a soft and a hard limit that the job meets, its own where it has them."""
    if job.expected_s is None:
        raise NotApplicable(f"[job.{kind}] does not say how long it lasts: expected_s")
    soft_s = job.soft_s or job.expected_s / 4
    hard_s = job.hard_s or job.expected_s / 2
    if not soft_s < hard_s < job.expected_s:
        raise NotApplicable(
            f"[job.{kind}] lasts {job.expected_s:g} s, and its limits are {soft_s:g} "
            f"and {hard_s:g} s: it meets none. Describe one that lasts longer"
        )
    return soft_s, hard_s
