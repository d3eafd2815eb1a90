"""Turns Celery's signals in one worker into lines of the ledger."""

from __future__ import annotations

import os
import sys
from typing import Any

from .ledger import OWN_MISTAKES, Ledger


def install(signals: Any) -> None:
    """Wait for a worker to announce itself; called when celery.signals is imported."""
    folder = os.environ.get("QUEUEPROOF_LEDGER")
    if not folder:
        return

    def on_celeryd_init(sender: Any = None, instance: Any = None, **_: Any) -> None:
        try:
            # Here, not above: who only sends tasks shall not pay for them.
            from .probe_tasks import mark_in, register_probes

            name = _name_node(instance) or str(sender)
            ledger = Ledger(folder)
            Witness(ledger, name).connect(signals)
            register_probes(instance.app, mark_in(ledger, name))
        except OWN_MISTAKES:
            pass

    signals.celeryd_init.connect(on_celeryd_init, weak=False)


class Witness:
    """Listens in one worker."""

    def __init__(self, ledger: Ledger, worker: str) -> None:
        self.ledger = ledger
        self.worker = worker
        self.main_pid = os.getpid()
        #: Task id -> how it ended, as far as this executing process knows.
        self.running: dict[Any, Any] = {}

    def connect(self, signals: Any) -> None:
        """Listen; strong references, for nobody else holds this object."""
        for name, receiver in (
            ("worker_ready", self._on_ready),
            ("task_prerun", self._on_prerun),
            ("task_success", self._on_success),
            ("task_postrun", self._on_postrun),
            ("task_retry", self._on_retry),
            ("task_failure", self._on_failure),
            ("task_internal_error", self._on_internal_error),
            ("task_revoked", self._on_revoked),
            ("task_unknown", self._on_unknown),
        ):
            getattr(signals, name).connect(receiver, weak=False)

    def _on_ready(self, **_: Any) -> None:
        self.ledger.write("ready", role="parent", worker=self.worker)

    def _on_prerun(self, task_id: Any = None, task: Any = None, **_: Any) -> None:
        self.running[task_id] = None
        request = getattr(task, "request", None)
        info = getattr(request, "delivery_info", None) or {}
        self._write(
            "start",
            task_id,
            task,
            "child",
            retries=getattr(request, "retries", 0),
            redelivered=bool(info.get("redelivered")),
        )

    def _on_success(self, sender: Any = None, **_: Any) -> None:
        self._note(getattr(getattr(sender, "request", None), "id", None), "success")

    def _on_retry(self, request: Any = None, **_: Any) -> None:
        self._note(getattr(request, "id", None), "retry")

    def _on_failure(
        self, sender: Any = None, task_id: Any = None, exception: Any = None, **_: Any
    ) -> None:
        how = _failure(exception)
        if task_id in self.running:
            self._note(task_id, how)
        else:
            self._write("end", task_id, sender, "parent", how=how)

    def _on_postrun(
        self, task_id: Any = None, task: Any = None, state: Any = None, **_: Any
    ) -> None:
        how = self.running.pop(task_id, None)
        if how or state:
            self._write("end", task_id, task, "child", how=how or str(state).lower())
            return
        # No state: it leaves by what no task catches; SystemExit after SIGTERM, say.
        leaving = sys.exc_info()[0]
        timed_out = getattr(leaving, "__module__", "").startswith("gevent.timeout")
        how = "hard_time_limit" if timed_out else "terminated"
        name = getattr(leaving, "__name__", None)
        self._write("end", task_id, task, "child", how=how, name=name)

    def _on_internal_error(
        self, sender: Any = None, task_id: Any = None, exception: Any = None, **_: Any
    ) -> None:
        how = "failure:internal:" + type(exception).__name__
        self._write("end", task_id, sender, self._role(), how=how)

    def _on_revoked(
        self,
        sender: Any = None,
        request: Any = None,
        expired: Any = None,
        signum: Any = None,
        **_: Any,
    ) -> None:
        name = "expired" if expired else f"signal {signum}" if signum else ""
        job = getattr(request, "id", None)
        self._write("end", job, sender, "parent", how="revoked", name=name)

    def _on_unknown(self, name: Any = None, id: Any = None, **_: Any) -> None:
        self.ledger.write(
            "end", job=id, task=name, role="parent", how="unknown", worker=self.worker
        )

    def _note(self, job: Any, how: str) -> None:
        if job in self.running:
            self.running[job] = how

    def _role(self) -> str:
        return "parent" if os.getpid() == self.main_pid else "child"

    def _write(self, what: str, job: Any, task: Any, role: str, **fields: Any) -> None:
        queue = None
        if role == "child":
            info = getattr(getattr(task, "request", None), "delivery_info", None) or {}
            queue = info.get("routing_key")
        self.ledger.write(
            what,
            job=job,
            task=getattr(task, "name", None),
            queue=queue,
            role=role,
            worker=self.worker,
            **fields,
        )


def _failure(exception: Any) -> str:
    known = {
        "SoftTimeLimitExceeded": "soft_time_limit",
        "TimeLimitExceeded": "hard_time_limit",
        "WorkerLostError": "lost",
    }
    # The pool wraps exceptions of a child for the journey.
    name = type(getattr(exception, "exc", exception)).__name__
    return known.get(name, "failure:" + name)


def _name_node(worker: Any) -> str | None:
    """Name a replica of a worker: its command, as deployed, names every one alike."""
    node = os.environ.get("QUEUEPROOF_NODE")
    if node is None:
        return None
    host = str(worker.hostname).partition("@")[2]
    worker.hostname = f"{node}@{host}"
    return str(worker.hostname)
