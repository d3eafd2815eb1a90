"""The probe tasks `queueproof.*`: short, long, deaf, greedy, deadly."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import hashlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from .ledger import Ledger


def _linger(seconds: float) -> None:
    """Wait as time.sleep does: a signal handler that raises ends it."""
    threading.Event().wait(seconds)


def release_file(job: str) -> str:
    """Return the file whose existence ends the probe tasks `hold` and `hold_memory`."""
    return os.path.join(os.environ.get("QUEUEPROOF_LEDGER", "."), "release-" + job)


def _await_release(job: str, until: float) -> None:
    while time.monotonic() < until and not os.path.exists(release_file(job)):
        _linger(0.02)


def _leave(job: str, until: float, ends: str) -> None:
    """Wait for the release, then end so: "returns", "raises", or "swallows" till then.

    What swallows goes on through any exception.
    """
    while True:
        try:
            _await_release(job, until)
            break
        except Exception:  # what "swallows" is for
            if ends != "swallows":
                raise
    if ends == "raises":
        raise ValueError("a task that fails as it was told to")


#: A pipeline that is deaf to SIGTERM and SIGHUP, and ends by itself.
_DEAF = "trap '' TERM HUP; sleep {seconds} | cat"


@contextlib.contextmanager
def _on_card(mib: int) -> Iterator[None]:
    """Hold so many MiB of the first card; nothing of it is left after the body."""
    cuda = ctypes.CDLL("libcuda.so.1")
    device, context, at = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_uint64()
    try:
        for call, arguments in (
            ("cuInit", (0,)),
            ("cuDeviceGet", (ctypes.byref(device), 0)),
            ("cuCtxCreate_v2", (ctypes.byref(context), 0, device)),
            ("cuMemAlloc_v2", (ctypes.byref(at), ctypes.c_size_t(mib * 2**20))),
        ):
            code = getattr(cuda, call)(*arguments)
            if code:
                raise OSError(f"{call}: CUDA error {code}")
        yield
    finally:
        cuda.cuCtxDestroy_v2(context)


def _fork(seconds: float, *, daemon: bool) -> int:
    """Fork a process that lives so long, deaf to SIGTERM; a daemon is nobody's child.

    Return its pid.
    """
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        if daemon:
            os.setsid()
        if not daemon or os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            os.write(tell, b"%d" % os.getpid())
            select.select([], [], [], seconds)
        os._exit(0)
    if daemon:
        os.waitpid(pid, 0)
    pid = int(os.read(told, 20))
    os.close(told)
    os.close(tell)
    return pid


def register_probes(app: Any, mark: Callable[[Any, str], None]) -> None:
    """Add the probe tasks to this application; `mark(task, name)` writes a line.

    They take the application's own Task class and settings: what holds for them holds
    for its tasks. Durations are in seconds. Each marks "cleanup" when it leaves in any
    way that lets Python run.
    """

    def probe(function: Callable[..., Any]) -> Callable[..., Any]:
        register(function, "queueproof." + function.__name__)
        return function

    def register(function: Callable[..., Any], name: str, **options: Any) -> None:
        def run(self: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                return function(self, *args, **kwargs)
            finally:
                mark(self, "cleanup")

        run.__name__ = function.__name__
        run.__doc__ = function.__doc__
        app.task(run, bind=True, name=name, **options)

    @probe
    def sleep(self: Any, seconds: float = 0.0, ticks: int = 0) -> float:
        """Sleep; `ticks` > 0 also marks "tick" so many times on the way (max. 200)."""
        ticks = max(0, min(int(ticks), 200))
        for _ in range(ticks):
            _linger(seconds / ticks)
            mark(self, "tick")
        if not ticks:
            _linger(seconds)
        return seconds

    @probe
    def hold(self: Any, seconds: float = 60.0) -> None:
        """Work until the agent releases this task, at most so long."""
        _await_release(self.request.id, time.monotonic() + seconds)

    # For applications that acknowledge late by the task, not by their settings.
    register(hold, "queueproof.hold_late", acks_late=True)

    @probe
    def spin(self: Any, seconds: float = 1.0) -> int:
        """Burn processor time in Python, which still hears signals."""
        until = time.monotonic() + seconds
        turns = 0
        while time.monotonic() < until:
            turns += 1
        return turns

    @probe
    def native(self: Any, seconds: float = 1.0) -> float:
        """Stay in one call of C code: no signal handler runs before it returns."""
        rounds, took_s = 20000, []
        for _ in range(3):
            # Processor time: on a busy machine the call may last longer, not shorter.
            started = time.process_time()
            hashlib.pbkdf2_hmac("sha256", b"queueproof", b"salt", rounds)
            took_s.append(time.process_time() - started)
        rounds = int(rounds / min(took_s) * seconds) + 1
        hashlib.pbkdf2_hmac("sha256", b"queueproof", b"salt", rounds)
        return seconds

    @probe
    def ignore_term(self: Any, seconds: float = 1.0) -> float:
        """Sleep through SIGTERM."""
        before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
        try:
            _linger(seconds)
        finally:
            signal.signal(signal.SIGTERM, before)
        return seconds

    @probe
    def swallow(self: Any, seconds: float = 1.0) -> float:
        """Swallow every exception, the soft limit too, until the time is over."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                _linger(until - time.monotonic())
            except Exception as error:  # noqa: BLE001  # what this probe is for
                mark(self, "swallowed " + type(error).__name__)
        return seconds

    @probe
    def suicide(self: Any, signum: int = 9, after_s: float = 0.0) -> None:
        """Send the own process a signal."""
        _linger(after_s)
        os.kill(os.getpid(), signum)
        _linger(5.0)

    @probe
    def hold_memory(
        self: Any,
        mib: int = 512,
        seconds: float = 1.0,
        ends: str = "returns",
        on: str = "memory",
    ) -> int:
        """Hold so many MiB, every page written, until released, at most so long.

        `on`: main "memory"; "nvml", the first card, which needs CUDA's driver.

        `ends`: "returns"; "raises"; "swallows" every exception until then. A second
        execution of what was released holds nothing.
        """
        if os.path.exists(release_file(self.request.id)):
            return 0
        until = time.monotonic() + seconds
        with _on_card(mib) if on == "nvml" else contextlib.nullcontext():
            held = bytearray(0 if on == "nvml" else mib * 2**20)
            held[::4096] = b"x" * len(range(0, len(held), 4096))
            mark(self, "held")
            _leave(self.request.id, until, ends)
        return mib * 2**20

    @probe
    def spawn_child(self: Any, seconds: float = 1.0) -> int:
        """Start a process of our own that lives so long; marks "child PID"."""
        lives = f"import threading; threading.Event().wait({float(seconds)})"
        child = subprocess.Popen([sys.executable, "-S", "-E", "-c", lives])
        mark(self, f"child {child.pid}")
        return child.wait()

    @probe
    def leave_behind(self: Any, seconds: float = 0.0, outlive_s: float = 5.0) -> int:
        """Fork a process that outlives the task (max. 60 s) and holds its open files.

        So do data loaders that are not closed: who waits for the end of a file of the
        task's process, to learn of its end, waits for them.
        """
        pid = os.fork()
        if pid == 0:
            select.select([], [], [], max(0.0, min(outlive_s, 60.0)))
            os._exit(0)
        mark(self, f"child {pid}")
        _linger(seconds)
        return pid

    @probe
    def start_processes(
        self: Any, seconds: float = 1.0, outlive_s: float = 60.0, ends: str = "returns"
    ) -> None:
        """Start a pipeline of a shell, a fork and a daemon; they live so long.

        Marks "child PID" of each, then "started", and goes on until released, at most
        `seconds`; `ends` as of `hold_memory`. A second execution starts nothing.
        """
        if os.path.exists(release_file(self.request.id)):
            return
        until = time.monotonic() + seconds
        outlive_s = max(0.0, min(outlive_s, 120.0))
        shell = subprocess.Popen(
            _DEAF.format(seconds=outlive_s), shell=True, stdin=subprocess.DEVNULL
        )
        forked = [_fork(outlive_s, daemon=daemon) for daemon in (False, True)]
        for pid in (shell.pid, *forked):
            mark(self, f"child {pid}")
        mark(self, "started")
        _leave(self.request.id, until, ends)

    @probe
    def coroutine(self: Any, seconds: float = 1.0) -> float:
        """Wait inside an event loop of our own."""

        async def wait() -> None:
            forever = asyncio.ensure_future(asyncio.Event().wait())
            await asyncio.wait([forever], timeout=seconds)

        asyncio.run(wait())
        return seconds

    @probe
    def retry(self: Any, times: int = 1, countdown: float = 0.0) -> int:
        """Ask to be retried so many times, then return the number."""
        if self.request.retries < times:
            raise self.retry(countdown=countdown, max_retries=times)
        return int(self.request.retries)

    @probe
    def burst(self: Any, count: int = 100) -> int:
        """Report progress so many times without a pause."""
        for number in range(count):
            self.update_state(state="PROGRESS", meta={"number": number})
        mark(self, "burst")
        return count


def mark_in(ledger: Ledger, worker: str | None = None) -> Callable[[Any, str], None]:
    """Return the `mark` of `register_probes` that writes to this ledger."""

    def mark(task: Any, name: str) -> None:
        ledger.write(
            "mark",
            job=task.request.id,
            task=task.name,
            role="child",
            worker=worker or task.request.hostname,
            name=name,
        )

    return mark
