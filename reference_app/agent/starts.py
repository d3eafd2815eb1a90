"""A start of the agent, the same for every way to ask for one, and who runs now."""

from typing import Any

from reference_app import endings, submission
from reference_app.agent import tasks
from reference_app.jobs import State
from reference_app.settings import WhenBusy, settings


def start(request: dict[str, Any], key: str | None = None) -> str:
    """Submit a run of the agent; return its id.

    While one runs it waits for its turn, or is refused, as AGENT_WHEN_BUSY says; the
    same on both paths, since the rows are asked.

    Args:
        request: checked already; `preferences`, and `source` where it is not the
            settings'.
        key: see submission.submit.

    Raises:
        submission.NotAccepted: 409 while one runs, 429, or 503.
    """
    limits = settings().agent_soft_time_limit, settings().agent_hard_time_limit
    alone = settings().agent_when_busy is WhenBusy.REFUSE
    return submission.submit(tasks.run_agent, request, limits, key=key, alone=alone)


def state() -> dict[str, Any]:
    """Return whether a run goes on, which, and how many wait.

    It is read off the rows each time: a pointer that somebody has to keep can be wrong.
    """
    unended = endings.store().unended(tasks.run_agent.name)
    running = [job.id for job in unended if job.state is State.STARTED]
    return {
        "is_running": bool(running),
        "current_task_id": running[0] if running else None,
        "task_queue_size": len(unended) - len(running),
    }
