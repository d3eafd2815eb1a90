"""Faults hurt the running application the way production does.

Each noun has its file. A fault picks its victim by role, proves by a probe of its own
that it bit, records `fault.injected` with that proof, and heals even when the scenario
fails. A fault that found no victim records bit=false: then nothing was tested.
"""

import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from harness.faults import (
    age,
    client,
    connections,
    cpu,
    disk,
    file,
    key,
    kill,
    link,
    litter,
    memory,
    message,
    noop,
    pause,
    redis,
    replica,
    restart,
    terminate,
)
from harness.faults.record import Victim
from harness.recorder import Recorder
from harness.replica import Replica
from harness.stack import Stack

if TYPE_CHECKING:  # who drives no API need not load a Socket.IO client
    from harness.driver import Subscriber

__all__ = ["Faults", "Victim"]


class Faults:
    """What a scenario may do to the application."""

    def __init__(self, stack: Stack, history: Recorder) -> None:
        self._stack = stack
        self._history = history

    def kill_child(self, job: str) -> Victim | None:
        """SIGKILL the process that executes the job; return it, None where none did."""
        return kill.child(self._stack, self._history, job)

    def kill_main(self, role: str = "worker") -> Victim | None:
        """SIGKILL the main process of a part; the supervisor starts it again."""
        return kill.main(self._stack, self._history, role)

    def oom_child(self, job: str) -> Victim | None:
        """Let the kernel kill the process that executes the job for want of memory.

        Raises:
            NotOnThisEngine: nobody may limit memory here; says why.
        """
        return memory.child(self._stack, self._history, job)

    def oom_main(self, role: str = "worker") -> Victim | None:
        """Let the kernel kill the main process of a part for want of memory.

        Raises:
            NotOnThisEngine: nobody may limit memory here; says why.
        """
        return memory.main(self._stack, self._history, role)

    @contextmanager
    def memory_limit(
        self, role: str, *, headroom_mib: float
    ) -> Iterator[Victim | None]:
        """Let a part take so much more memory, and no more, while the body runs.

        Raises:
            NotOnThisEngine: nobody may limit memory here; says why.
        """
        with memory.limited(self._stack, self._history, role, headroom_mib) as victim:
            yield victim

    @contextmanager
    def cpu_quota(self, role: str, *, share: float) -> Iterator[Victim | None]:
        """Let a part have this share of one processor while the body runs."""
        with cpu.quota(self._stack, self._history, role, share) as victim:
            yield victim

    @contextmanager
    def disk_full(self) -> Iterator[Victim | None]:
        """Let Redis's append-only file grow no more while the body runs."""
        with disk.full(self._stack, self._history) as victim:
            yield victim

    @contextmanager
    def missing(self, path: str) -> Iterator[bool]:
        """Let a file of the application's data be away while the body runs."""
        with file.missing(self._stack, self._history, path) as bit:
            yield bit

    def terminate(self, role: str = "worker") -> Victim | None:
        """Send SIGTERM to the main process of a part, as a deployment does."""
        return terminate.main(self._stack, self._history, role, signal.SIGTERM)

    def quit(self, role: str = "worker") -> Victim | None:
        """Send SIGQUIT to the main process of a part: end now, whatever runs.

        A worker of Celery 5.7 that reads the result of a job at that moment ends after
        30 s more, or never: its handler joins the child, which waits for that result
        to be read.
        """
        return terminate.main(
            self._stack, self._history, role, signal.SIGQUIT, fault="quit"
        )

    def api_restart(self, *, graceful: bool = False) -> Victim | None:
        """End the API, by SIGTERM or SIGKILL, and wait until it is back."""
        return restart.api(self._stack, self._history, graceful=graceful)

    @contextmanager
    def replica(self, role: str) -> Iterator[Replica | None]:
        """Run one more process of a part while the body runs; yield it."""
        with replica.added(self._stack, self._history, role) as second:
            yield second

    @contextmanager
    def litter(self, entry: str) -> Iterator[bool]:
        """Give a run of an entry of beat's more to clean up than it has time for.

        What it has left is removed after the body.
        """
        with litter.laid(self._stack, self._history, entry) as bit:
            yield bit

    @contextmanager
    def disconnect(self, subscriber: "Subscriber") -> Iterator[bool]:
        """Lose a subscriber's connection without a goodbye; renew it after the body."""
        with client.disconnected(self._stack, self._history, subscriber) as bit:
            yield bit

    @contextmanager
    def pause_child(self, job: str) -> Iterator[Victim | None]:
        """Freeze the process that executes the job while the body runs."""
        with pause.child(self._stack, self._history, job) as victim:
            yield victim

    @contextmanager
    def pause(self, role: str) -> Iterator[Victim | None]:
        """Freeze a part, all its processes, while the body runs."""
        with pause.part(self._stack, self._history, role) as victim:
            yield victim

    @contextmanager
    def pause_writes(self) -> Iterator[Victim | None]:
        """Let Redis answer reads and hold back writes while the body runs."""
        with redis.writes_paused(self._stack, self._history) as victim:
            yield victim

    @contextmanager
    def redis_stop(self) -> Iterator[Victim | None]:
        """SIGKILL Redis; start it again, data and port kept, after the body."""
        with redis.stopped(self._stack, self._history) as victim:
            yield victim

    def redis_restart(self) -> Victim | None:
        """SIGKILL Redis and start it again at once, data and port kept."""
        with redis.stopped(self._stack, self._history, fault="redis_restart") as victim:
            return victim

    def redis_restarts(self, times: int = 3) -> list[Victim | None]:
        """Restart Redis so often in a row; each is a fault with its own proof."""
        return redis.restarted(self._stack, self._history, times)

    def redis_flush(self) -> Victim | None:
        """Let Redis forget all keys of all databases."""
        return redis.flushed(self._stack, self._history)

    def cut_connections(
        self, kind: str = "all", role: str | None = None
    ) -> Victim | None:
        """Let Redis hang up on its clients: "normal", "pubsub" or "all" of them.

        Where a part is named only on that part, which needs no link.
        """
        return connections.cut(self._stack, self._history, kind, role)

    @contextmanager
    def black_hole(self, role: str) -> Iterator[Victim | None]:
        """Lose all bytes between a linked part and Redis while the body runs."""
        with link.black_hole(self._stack, self._history, role) as victim:
            yield victim

    @contextmanager
    def no_answers(self, role: str) -> Iterator[Victim | None]:
        """Lose all that Redis says to a linked part, and nothing else, in the body."""
        with link.no_answers(self._stack, self._history, role) as victim:
            yield victim

    @contextmanager
    def refuse(self, role: str) -> Iterator[Victim | None]:
        """Refuse a linked part its way to Redis while the body runs."""
        with link.refuse(self._stack, self._history, role) as victim:
            yield victim

    @contextmanager
    def slow(self, role: str, *, delay_s: float) -> Iterator[Victim | None]:
        """Deliver all between a linked part and Redis late, each way, in the body."""
        with link.slow(self._stack, self._history, role, delay_s) as victim:
            yield victim

    @contextmanager
    def loss(
        self, role: str, *, share: float = 0.3, seed: int = 1
    ) -> Iterator[Victim | None]:
        """Lose a share of the packets between a linked part and Redis in the body."""
        with link.loss(self._stack, self._history, role, share, seed) as victim:
            yield victim

    def cut(self, role: str) -> Victim | None:
        """Reset the open connections of a linked part to Redis, once."""
        return link.cut(self._stack, self._history, role)

    @contextmanager
    def aged(self, job: str, *, to_s: float, reason: str = "") -> Iterator[bool]:
        """Let the job's delivered message look so old while the body runs.

        `probe.swept` of the job tells when somebody has looked for old messages.
        """
        with age.aged(self._stack, self._history, job, to_s, reason) as bit:
            yield bit

    def second_delivery(self, queue: str, *, job: str | None = None) -> str | None:
        """Deliver the next message of a queue, or that of a job, a second time.

        Return its task id, None where there was none.
        """
        return message.second_delivery(self._stack, self._history, queue, job)

    def garbage(self, queue: str) -> bool:
        """Put bytes into a queue that are no message."""
        return message.garbage(self._stack, self._history, queue)

    def unknown_task(self, queue: str) -> str | None:
        """Put a message of a task nobody has into a queue; return its task id."""
        return message.unknown_task(self._stack, self._history, queue)

    def older_signature(
        self,
        queue: str,
        task: str,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> str | None:
        """Put a call of a task as an older release made it; return its task id."""
        return message.older_signature(
            self._stack, self._history, queue, task, args, kwargs or {}
        )

    @contextmanager
    def key_taken(self, queue: str) -> Iterator[bool]:
        """Let something that is no list lie where a queue would, in the body."""
        with key.taken(self._stack, self._history, queue) as bit:
            yield bit

    def noop(self, role: str = "worker") -> Victim | None:
        """Find the victim and do nothing: the scenario must hold without damage."""
        return noop.nothing(self._stack, self._history, role)
