"""Probes look at the running application from outside and touch nothing.

Each noun has its file; `Probes` binds them to one stack and one test's history, and
records what it sees.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.engines import ProcessId, ProcessInfo
from harness.errors import TargetError
from harness.probes import health, held, memory, processes, queue, redis, row
from harness.recorder import Recorder
from harness.target import STATES

if TYPE_CHECKING:  # the stack itself uses the probes of single nouns
    from harness.stack import Stack

__all__ = ["Probes"]


class Probes:
    """What a scenario may look at; close it at the end of the test."""

    def __init__(self, stack: "Stack", history: Recorder) -> None:
        self._stack = stack
        self._history = history
        self._watcher = processes.Watcher(stack.engine, history)
        self._memory: memory.MemoryProbe | None = None
        self._members: dict[str, memory.Members] = {}

    def watch_gone(
        self, process: ProcessId, *, role: str = "", job: str | None = None
    ) -> None:
        """Record `probe.gone` within 20 ms of this process's end; returns at once."""
        self._watcher.watch(process, role=role, job=job)

    def watch_started(self, job: str) -> list[ProcessId]:
        """Watch what the job's process has started until now; return them.

        That is all below it, and whom it names by a mark "child PID": a daemon leaves
        its tree. Each is recorded as `probe.alive` of the job, role "started".
        """
        below = processes.below(self._stack, self._stack.pid_of_child(job))
        named = processes.named(self._stack, job)
        for process, name in {**named, **below}.items():
            self._history.record(
                "probe",
                "alive",
                job,
                role="started",
                pid=process.pid,
                pid_start=process.start_time,
                pid_ns=process.pid_namespace,
                name=name,
            )
            self.watch_gone(process, role="started", job=job)
        return list({**named, **below})

    def tree(self, role: str) -> list[ProcessInfo]:
        """Return the processes of a part, zombies too; a living one is recorded."""
        infos = self._stack.engine.tree(self._stack.process(role))
        for info in (i for i in infos if i.state not in processes.GONE_STATES):
            self._history.record(
                "probe",
                "alive",
                role=role,
                pid=info.id.pid,
                pid_start=info.id.start_time,
                pid_ns=info.id.pid_namespace,
                state=info.state,
                name=info.name,
            )
        return infos

    def memory(self, role: str) -> float:
        """Return the device's memory that all processes of a part hold, in MiB.

        Without a card that is main memory. Also of those that it started and that left
        its tree since the first look. What is recorded says whether the look was
        steady, see `harness.probes.memory.Seen`.
        """
        if self._memory is None:
            self._memory = memory.choose(self._stack.engine, self._stack.target.device)
        members = self._members.setdefault(
            role, memory.Members(self._stack.engine, self._memory)
        )
        began = time.monotonic()
        part, limits = self._stack.process(role), self._stack.engine.limits
        seen = members.look(part)
        container_mib = limits.memory_used_mib(part.id)
        self._history.record(
            "probe",
            "memory",
            role=role,
            by=self._memory.name,
            mib=round(seen.mib, 1),
            steady=seen.steady,
            # A second opinion, where the part has a container of its own.
            container_mib=container_mib and round(container_mib, 1),
            took_s=round(time.monotonic() - began, 4),
            processes=[
                {
                    "pid": share.process.pid,
                    "pid_start": share.process.start_time,
                    "pid_ns": share.process.pid_namespace,
                    "parent": share.parent,
                    "mib": round(share.mib, 1),
                }
                for share in seen.shares
            ],
        )
        return seen.mib

    def queue(self, name: str) -> queue.Depth:
        """Return how many messages wait in a queue, and how many are unacknowledged."""
        depth = queue.depth(
            self._stack.urls.broker, name, key_prefix=self._stack.key_prefix
        )
        self._history.record(
            "probe", "queue", queue=name, length=depth.length, unacked=depth.unacked
        )
        return depth

    def held(self, job: str) -> bool:
        """Return whether a worker holds the job's message, unacknowledged."""
        age_s = held.age_s(
            self._stack.urls.broker, job, key_prefix=self._stack.key_prefix
        )
        self._history.record("probe", "held", job, held=age_s is not None, age_s=age_s)
        return age_s is not None

    def row(self, job: str) -> str | None:
        """Return the state of a job in the application's record, in our word.

        None, and nothing is recorded, where its record is not described.
        """
        target = self._stack.target
        if target.record is None:
            return None
        began = time.monotonic()
        file = self._stack.layout.data / target.record.sqlite
        word = row.state(file, target.record.query, job)
        ours = target.states.get(str(word), word if word in STATES else None)
        took_s = round(time.monotonic() - began, 6)
        self._history.record("probe", "row", job, state=ours, word=word, took_s=took_s)
        return ours

    @contextmanager
    def health(self, api: str = "api") -> Iterator[None]:
        """Ask an API for its health, fifty times a second, while the body runs."""
        described = self._stack.target.api
        if described is None:
            raise TargetError("The target has no API to ask. Add [api].")
        replica = self._stack.replicas.get(api)
        url = replica.api if replica else self._stack.urls.api
        with health.watched(self._history, api, url, described.health):
            yield

    def redis_down(self) -> bool:
        """Return whether Redis refuses a PING, or leaves it unanswered for 0.5 s."""
        proof = redis.why_down(self._stack.urls.broker)
        self._history.record("probe", "redis", down=proof is not None, proof=proof)
        return proof is not None

    def close(self) -> None:
        """Stop watching."""
        self._watcher.close()
