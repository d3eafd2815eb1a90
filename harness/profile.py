"""What the application is, before it is hurt: its worker as started, its settings.

Asked once, printed once. One cause that would spoil every situation (no queue is
served, tasks never leave their caller) is one error here.
"""

import difflib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from harness.errors import TargetError, TooSlow
from harness.probe_worker import deployed
from harness.stack import Stack
from harness.target import Target
from harness.wait import wait_until

#: Seconds each question waits for answers, all of them; typical 0.01. Asked again.
ANSWER_S = 0.3

#: Seconds until a worker that just said it is ready answers its first question.
ANSWER_WITHIN_S = 10.0


@dataclass(frozen=True)
class Profile:
    """The worker as it was started, and what the application's settings add to it.

    `serves` are the queues it consumes, in its own order, the default one first;
    `remote_control` is False where it answers no questions: then pool, limits and
    queues are as configured, not as started.
    """

    pool: str
    concurrency: int | None
    soft_s: float | None
    hard_s: float | None
    acks_late: bool
    prefetch: int | None
    visibility_s: float
    results: bool
    ignore_result: bool
    track_started: bool
    task_events: bool
    remote_control: bool
    serves: tuple[str, ...]
    default_queue: str
    tasks: tuple[str, ...]
    schedule: tuple[str, ...]
    beat: bool

    def lines(self) -> list[tuple[str, str]]:
        """Return it as rows of a name and a sentence."""
        started = "" if self.remote_control else " (as configured: it answers nothing)"
        limits = [
            f"{kind} {seconds:g} s"
            for kind, seconds in (("soft", self.soft_s), ("hard", self.hard_s))
            if seconds
        ]
        ack = "late: after the task" if self.acks_late else "early: before the task"
        results = "kept" if self.results else "none of its own; here the run's"
        if self.ignore_result:
            results = "ignored (task_ignore_result)"
        return [
            ("pool", f"{self.pool}, {self.concurrency or '?'} at a time{started}"),
            ("limits", ", ".join(limits) or "none in the settings"),
            ("ack", f"{ack}; {self.prefetch or '?'} messages held at most"),
            ("visibility", f"{self.visibility_s:g} s until Redis gives it to another"),
            ("results", results + (", STARTED told" if self.track_started else "")),
            ("events", "sent" if self.task_events else "off"),
            ("queues", ", ".join(self.serves)),
            ("tasks", f"{len(self.tasks)}: {', '.join(self.tasks)}"[:200]),
            (
                "beat",
                f"{len(self.schedule)} entries, "
                + ("started" if self.beat else "not started"),
            ),
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return asdict(self)


def probe(stack: Stack) -> Profile:
    """Ask the running worker and the application's settings.

    Raises:
        TargetError: tasks run where they are sent, so no worker promises anything.
    """
    seen = stack.agent.describe()
    conf: Mapping[str, Any] = seen["conf"]
    if conf["task_always_eager"]:
        raise TargetError(
            f"{stack.target.app} has task_always_eager: its tasks run inside whoever "
            "sends them, and no worker ever sees one. Turn it off as in production, "
            "by --env if the application reads it from a variable."
        )
    stats = _answer(stack, "stats") if conf["worker_enable_remote_control"] else {}
    served = _answer(stack, "active_queues") if stats else {}
    pool = stats.get("pool", {})
    soft_s, hard_s = [*(pool.get("timeouts") or ()), None, None][:2]
    serves = [queue["name"] for queue in served] or list(seen["queues"])
    default = str(seen["default_queue"])
    command = stack.process("worker").command.argv
    return Profile(
        pool=_pool_name(pool.get("implementation") or conf["worker_pool"]),
        concurrency=pool.get("max-concurrency") or conf["worker_concurrency"],
        soft_s=soft_s or conf["task_soft_time_limit"],
        hard_s=hard_s or conf["task_time_limit"],
        acks_late=any(t["acks_late"] for t in seen["tasks"].values())
        or bool(conf["task_acks_late"]),
        prefetch=stats.get("prefetch_count"),
        visibility_s=float(seen["visibility_timeout_s"]),
        results=bool(seen["own_results"]),
        ignore_result=bool(conf["task_ignore_result"]),
        track_started=bool(conf["task_track_started"]),
        task_events=bool(conf["worker_send_task_events"])
        or bool({"-E", "--task-events"} & set(command)),
        remote_control=bool(stats),
        serves=tuple(sorted(serves, key=lambda name: name != default)),
        default_queue=default,
        tasks=tuple(sorted(seen["tasks"])),
        schedule=tuple(sorted(seen["schedule"])),
        beat="beat" in stack.target.commands,
    )


def on_served_queues(target: Target, profile: Profile) -> Target:
    """Return the target with queues that its worker serves, as named or else all.

    Raises:
        TargetError: it serves none, or not one that was named.
    """
    if not profile.serves:
        raise TargetError(
            f"The worker of {target.app} serves no queue. "
            "Give its command a -Q, or the application's settings task_queues."
        )
    for name in target.queues:
        if name not in profile.serves:
            near = difflib.get_close_matches(name, profile.serves, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]!r}" if near else ""
            raise TargetError(
                f"queues = {list(target.queues)!r}: the worker, as started, does not "
                f"serve {name!r}{hint}. It serves {', '.join(profile.serves)}."
            )
    return replace(target, queues=target.queues or profile.serves)


def _answer(stack: Stack, what: str) -> Any:
    """Return what the worker answers, nothing where it does not."""
    try:
        answers = wait_until(
            lambda: deployed(stack.agent.inspect(what, timeout_s=ANSWER_S) or {}),
            within_s=ANSWER_WITHIN_S,
            what=f"the worker answers `celery inspect {what}`",
        )
    except TooSlow:
        return {}
    return next(iter(answers.values()))


def _pool_name(implementation: str) -> str:
    """Return `prefork` of `celery.concurrency.prefork:TaskPool`."""
    return str(implementation).split(":")[0].rsplit(".", 1)[-1]
