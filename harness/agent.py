"""Asks the application about itself, in its own interpreter, with a deadline.

The other end of the pipe is `python -m queueproof_witness APP`. Requests and answers
are JSON lines with an id; an answer that comes after its deadline is dropped.
"""

import json
import queue
import threading
import time
from typing import Any

from harness.engines import Engine, Process
from harness.errors import AgentError
from harness.recorder import Recorder

#: Seconds an answer may take; the first one includes the import of the application.
ANSWER_WITHIN_S = 30.0


class Agent:
    """The application's own Celery app, at the other end of a pipe."""

    def __init__(self, engine: Engine, process: Process, history: Recorder) -> None:
        self.history = history
        self.process = process
        self._engine = engine
        self._lock = threading.Lock()
        self._next_id = 0
        self._answers: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._reader = threading.Thread(
            target=self._read_answers, name="queueproof-agent", daemon=True
        )
        self._reader.start()

    def describe(self) -> dict[str, Any]:
        """Return versions, URLs, plain settings, queues and tasks of the application.

        Keys: broker_read, broker_write, results (URLs), python, celery, kombu, conf,
        key_prefix, visibility_timeout_s, queues, default_queue, own_results (whether
        the application itself names a result store), tasks {name: {soft_s, hard_s,
        acks_late, queue, file}}, schedule {entry: {task, every_s}}.
        """
        return dict(self.ask("describe"))

    def tasks(self) -> list[str]:
        """Return the names of the application's tasks, ours and Celery's left out."""
        names = sorted(self.describe()["tasks"])
        self.history.record("agent", "tasks", names=names)
        return names

    def schedule(self) -> dict[str, dict[str, Any]]:
        """Return beat's entries: {name: {task, every_s}}; None for a calendar's."""
        entries: dict[str, dict[str, Any]] = self.describe().get("schedule", {})
        self.history.record("agent", "schedule", entries=entries)
        return entries

    def knock(self, task: str) -> str:
        """Send a task by its own route, such that its function never runs.

        It carries an argument that no function takes: a worker starts the task, and
        Celery's call of the function fails. One that takes any keyword does run.
        """
        job = str(self.ask("knock", task=task))
        self.history.record("send", "accepted", job, task=task, queue=None)
        return job

    def send(
        self,
        task: str,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
        *,
        soft_s: float | None = None,
        hard_s: float | None = None,
        queue: str | None = None,
        **options: Any,
    ) -> str:
        """Publish a task with the application's own apply_async; return its id.

        `options` go to apply_async (task_id, countdown, expires, priority, ...).
        Limits are in seconds and travel in the message, as Celery does it.
        """
        if queue is not None:
            options["queue"] = queue
        job = str(
            self.ask(
                "send",
                task=task,
                args=list(args),
                kwargs=kwargs or {},
                soft_s=soft_s,
                hard_s=hard_s,
                **options,
            )
        )
        self.history.record(
            "send",
            "accepted",
            job,
            task=task,
            soft_s=soft_s,
            hard_s=hard_s,
            queue=queue,
        )
        return job

    def probe(
        self,
        name: str,
        *,
        queue: str | None = None,
        soft_s: float | None = None,
        hard_s: float | None = None,
        **kwargs: Any,
    ) -> str:
        """Send the probe task `queueproof.<name>`; `kwargs` are its arguments."""
        return self.send(
            f"queueproof.{name}",
            kwargs=kwargs,
            soft_s=soft_s,
            hard_s=hard_s,
            queue=queue,
        )

    def revoke(
        self, job: str, *, terminate: bool = False, signal: str = "SIGTERM"
    ) -> None:
        """Revoke a task as `celery control revoke` does."""
        self.ask("revoke", job=job, terminate=terminate, signal=signal)
        self.history.record("agent", "revoked", job, terminate=terminate)

    def release(self, job: str) -> None:
        """Let the probe task `hold` or `hold_late` of this id end."""
        self.ask("release", job=job)

    def state(self, job: str) -> dict[str, Any]:
        """Return what the result store says: {state, result}; a claim, not a fact."""
        said = dict(self.ask("state", job=job))
        self.history.record("agent", "state", job, state=said["state"])
        return said

    def workers(self, *, timeout_s: float = 1.0) -> dict[str, int]:
        """Return {worker name: pid of its main process} for those that answer."""
        return dict(self.ask("workers", timeout_s=timeout_s))

    def inspect(
        self, what: str, *, timeout_s: float = 1.0, limit: int | None = None
    ) -> Any:
        """Return `celery inspect <what>` per worker, None where none answered.

        It takes all of `timeout_s`, unless `limit` workers have answered before.
        """
        return self.ask("inspect", what=what, timeout_s=timeout_s, limit=limit)

    def where(self, package: str) -> str:
        """Return the file from which the application's interpreter takes a package."""
        return str(self.ask("where", package=package))

    def ask(self, op: str, *, within_s: float = ANSWER_WITHIN_S, **fields: Any) -> Any:
        """Send one request and return its value.

        Raises:
            AgentError: the agent died, answered with an error, or not in time.
        """
        with self._lock:
            self._next_id += 1
            request = {"id": self._next_id, "op": op, **fields}
            self._write(request)
            answer = self._await(self._next_id, op, within_s)
        if not answer["ok"]:
            raise AgentError(
                f"The agent could not {op}: {answer['error']}\n{self._log()}",
                cause=str(answer["error"]),
            )
        return answer["value"]

    def _write(self, request: dict[str, Any]) -> None:
        stream = self.process.stdin
        assert stream is not None
        try:
            stream.write(json.dumps(request).encode() + b"\n")
            stream.flush()
        except (BrokenPipeError, ValueError) as error:
            raise AgentError(f"The agent is gone.\n{self._log()}") from error

    def _await(self, number: int, op: str, within_s: float) -> dict[str, Any]:
        deadline = time.monotonic() + within_s
        while True:
            try:
                answer = self._answers.get(
                    timeout=max(0.0, deadline - time.monotonic())
                )
            except queue.Empty:
                raise AgentError(
                    f"The agent did not answer {op!r} within {within_s:g} s.\n"
                    + self._log()
                ) from None
            if answer is None:
                raise AgentError(f"The agent ended during {op!r}.\n{self._log()}")
            if answer["id"] == number:
                return answer

    def _read_answers(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        try:
            for line in stream:
                self._answers.put(json.loads(line))
        except ValueError:
            pass  # the pipe was closed under us, at the end of the stack
        self._answers.put(None)

    def _log(self) -> str:
        return self._engine.logs(self.process, lines=15)
