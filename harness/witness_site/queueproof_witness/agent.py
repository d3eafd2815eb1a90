"""The agent: answers about the application from its own interpreter.

It sends tasks the way the application does.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from datetime import timedelta
from importlib.metadata import version
from typing import Any

from .ledger import Ledger
from .probe_tasks import mark_in, register_probes, release_file

#: Kombu's own, where the application says nothing.
VISIBILITY_TIMEOUT_S = 3600


class Agent:
    """Answers requests {"id", "op", ...} with {"id", "ok", "value" | "error"}."""

    def __init__(self, app: Any) -> None:
        self.app = app
        app.loader.import_default_modules()
        ledger = Ledger(os.environ.get("QUEUEPROOF_LEDGER", "."))
        register_probes(app, mark_in(ledger))
        app.finalize()
        #: Before we send anything: sending to a queue of ours would add it.
        self.queues = sorted(app.amqp.queues)

    def describe(self) -> dict[str, Any]:
        """Tell what the application's own interpreter sees of it."""
        app, conf = self.app, self.app.conf
        return {
            "broker_read": app.connection_for_read().as_uri(include_password=True),
            "broker_write": app.connection_for_write().as_uri(include_password=True),
            "results": app.backend.as_uri(include_password=True),
            "python": sys.version.split()[0],
            "celery": version("celery"),
            "kombu": version("kombu"),
            "conf": {key: conf[key] for key in sorted(conf) if _is_plain(conf, key)},
            "key_prefix": conf.broker_transport_options.get("global_keyprefix", ""),
            "visibility_timeout_s": conf.broker_transport_options.get(
                "visibility_timeout", VISIBILITY_TIMEOUT_S
            ),
            "queues": self.queues,
            "default_queue": conf.task_default_queue,
            # Its own, not what the environment says: that is ours.
            "own_results": bool(conf.first("result_backend", "CELERY_RESULT_BACKEND")),
            "tasks": {
                name: {
                    "soft_s": task.soft_time_limit or conf.task_soft_time_limit,
                    "hard_s": task.time_limit or conf.task_time_limit,
                    "acks_late": bool(task.acks_late),
                    "queue": getattr(task, "queue", None),
                    "file": sys.modules[task.__module__].__file__
                    if task.__module__ in sys.modules
                    else None,
                }
                for name, task in sorted(app.tasks.items())
                if not name.startswith(("celery.", "queueproof."))
            },
            "schedule": {
                str(name): {"task": entry.get("task"), "every_s": _every_s(entry)}
                for name, entry in (conf.beat_schedule or {}).items()
                if isinstance(entry, dict)
            },
        }

    def where(self, package: str) -> str:
        """Return the file from which this interpreter takes a package or module."""
        spec = importlib.util.find_spec(package)
        return str(spec.origin) if spec else ""

    def send(
        self,
        task: str,
        args: Any = (),
        kwargs: Any = None,
        soft_s: float | None = None,
        hard_s: float | None = None,
        **options: Any,
    ) -> str:
        """Publish as the application would; return the task id."""
        if soft_s is not None:
            options["soft_time_limit"] = soft_s
        if hard_s is not None:
            options["time_limit"] = hard_s
        kwargs = kwargs or {}
        if task in self.app.tasks:
            sent = self.app.tasks[task].apply_async(tuple(args), kwargs, **options)
        else:
            sent = self.app.send_task(task, tuple(args), kwargs, **options)
        return str(sent.id)

    def knock(self, task: str) -> str:
        """Publish a task by its own route, with an argument that no function takes."""
        known = self.app.tasks[task]
        checked, known.typing = known.typing, False  # else refused before it is sent
        try:
            sent = known.apply_async((), {"queueproof_knocks": True})
        finally:
            known.typing = checked
        return str(sent.id)

    def revoke(
        self, job: str, terminate: bool = False, signal: str = "SIGTERM"
    ) -> None:
        """Ask the workers to revoke a task."""
        with self.app.connection_for_write() as connection:  # as for `inspect`
            self.app.control.revoke(
                job, terminate=terminate, signal=signal, connection=connection
            )

    def release(self, job: str) -> None:
        """Let the probe task `hold` of this id end, wherever it runs."""
        with open(release_file(job), "w", encoding="utf-8"):
            pass

    def state(self, job: str) -> dict[str, Any]:
        """Return what the result store says of a task, read afresh."""
        result = self.app.AsyncResult(job)
        meta = result._get_task_meta()
        return {"state": meta["status"], "result": repr(meta.get("result"))[:500]}

    def workers(self, timeout_s: float = 1.0) -> dict[str, Any]:
        """Return {name: pid of the main process} of the workers that answer."""
        stats = self.inspect("stats", timeout_s) or {}
        return {name: answer.get("pid") for name, answer in stats.items()}

    def inspect(
        self, what: str, timeout_s: float = 1.0, limit: int | None = None
    ) -> Any:
        """Return what `celery inspect` would, per worker."""
        # Not from the pool: that one may be of a Redis that was restarted since.
        with self.app.connection_for_write() as connection:
            asking = self.app.control.inspect(
                timeout=timeout_s, limit=limit, connection=connection
            )
            return getattr(asking, what)()


def _every_s(entry: Any) -> float | None:
    """Return the seconds between two runs of a beat entry, None for a calendar's."""
    from celery.schedules import maybe_schedule

    every = getattr(maybe_schedule(entry.get("schedule")), "run_every", None)
    return every.total_seconds() if isinstance(every, timedelta) else None


def _is_plain(conf: Any, key: str) -> bool:
    hidden = ("password", "secret", "key", "url", "backend", "dburi")
    if not key.islower() or any(word in key for word in hidden):
        return False
    return isinstance(conf[key], (str, int, float, bool, type(None)))


def run_agent(path: str) -> None:
    """Serve until standard input ends; standard output carries nothing but answers."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the application prints on import goes to the log
    from celery.app.utils import find_app

    agent: Agent | None = None
    for line in sys.stdin:
        request = json.loads(line)
        answer: dict[str, Any] = {"id": request.pop("id"), "ok": True}
        try:
            if agent is None:
                agent = Agent(find_app(path))
            answer["value"] = getattr(agent, request.pop("op"))(**request)
        except Exception as error:  # noqa: BLE001  # told to the harness, not hidden
            answer.update(ok=False, error=f"{type(error).__name__}: {error}")
        answers.write(json.dumps(answer, default=str) + "\n")
        answers.flush()
