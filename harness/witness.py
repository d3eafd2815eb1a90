"""The witness: the one file of ours that runs inside the application's processes.

In a worker it writes the ledger, one line per start, mark and end of any task, and
registers the probe tasks `queueproof.*`. It acts only once a worker announces itself
(`celeryd_init`), adds no route and no setting, and never raises into the application.
As `python witness.py agent APP` it is the agent: it answers JSON lines about the
application from its own interpreter, and sends tasks the way the application does.

This file travels alone: standard library and celery only, Python >= 3.9, Celery >= 5.3.

A line of the ledger: {"what": ready|start|mark|end, "t_mono", "t_wall" (seconds),
"boot", "time_ns" (clock domain), "pid", "pid_ns" (in which the pid counts), "pid_start"
(clock ticks since boot), "job", "task", "queue", "worker", "role": child|parent,
"how", "name", "retries", "redelivered"}; one file per process, one write() of at most
4 KiB per line, so lines of several processes never mix. The n-th start of a job is its
n-th attempt: "retries" counts those it asked for, "redelivered" tells one whose message
came a second time.
The guard of the stack adds {"what": "refused", "part", "host", "port", "name", "site"}.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import hashlib
import importlib.util
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib.metadata import version
from typing import Any

#: The longest line, in bytes: one write() up to a page is never torn by another.
LINE_BYTES = 4096

#: Kombu's own, where the application says nothing.
VISIBILITY_TIMEOUT_S = 3600

#: The longest text in one field, in characters.
FIELD_CHARS = 200

#: Our own mistakes, swallowed with the line. Not Exception: a time limit is raised by a
#: signal anywhere, also in here, and must reach the task.
OWN_MISTAKES = (OSError, ValueError, TypeError, AttributeError, KeyError)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def _pid_start() -> int:
    text = _read("/proc/self/stat")
    return int(text.rpartition(")")[2].split()[19]) if text else 0


def _namespace(kind: str) -> str:
    try:
        return os.readlink("/proc/self/ns/" + kind)
    except OSError:
        return ""


def _encode(line: dict[str, Any], chars: int) -> bytes:
    cut = {k: v[:chars] if isinstance(v, str) else v for k, v in line.items()}
    return json.dumps(cut, separators=(",", ":"), default=str).encode() + b"\n"


class Ledger:
    """Appends lines to this process's own file in a shared folder."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.boot = _read("/proc/sys/kernel/random/boot_id")
        self.time_ns = _namespace("time")
        self.pid_ns = _namespace("pid")
        self.pid = 0
        self.pid_start = 0
        self.path = ""

    def write(self, what: str, **fields: Any) -> None:
        """Append one line; a full disk or a missing folder loses it silently."""
        try:
            if self.pid != os.getpid():  # first line, or first after a fork
                self.pid, self.pid_start = os.getpid(), _pid_start()
                name = f"ledger-{self.pid}-{self.pid_start}.jsonl"
                self.path = os.path.join(self.folder, name)
            line = {
                "what": what,
                "t_mono": time.monotonic(),
                "t_wall": time.time(),
                "boot": self.boot,
                "time_ns": self.time_ns,
                "pid": self.pid,
                "pid_ns": self.pid_ns,
                "pid_start": self.pid_start,
            }
            data = _encode({**line, **fields}, FIELD_CHARS)
            if len(data) > LINE_BYTES:
                data = _encode({**line, **fields}, FIELD_CHARS // 5)
            self._append(data)
        except OWN_MISTAKES:
            pass

    def _append(self, data: bytes) -> None:
        # Opened for each line: a descriptor kept open could be closed by a pool's
        # clean-up and its number given to a file of the application.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
        descriptor = os.open(self.path, flags, 0o666)
        try:
            if os.fstat(descriptor).st_size == 0:
                os.fchmod(descriptor, 0o666)  # whatever the umask says
            os.write(descriptor, data)
        finally:
            os.close(descriptor)


class Witness:
    """Turns Celery's signals in one worker into lines of the ledger."""

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


# --- Probe tasks -----------------------------------------------------------------


def _linger(seconds: float) -> None:
    """Wait as time.sleep does: a signal handler that raises ends it."""
    threading.Event().wait(seconds)


def _release(job: str) -> str:
    """Return the file whose existence ends the probe tasks `hold` and `hold_memory`."""
    return os.path.join(os.environ.get("QUEUEPROOF_LEDGER", "."), "release-" + job)


def _await_release(job: str, until: float) -> None:
    while time.monotonic() < until and not os.path.exists(_release(job)):
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
        if os.path.exists(_release(self.request.id)):
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
        if os.path.exists(_release(self.request.id)):
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


def _mark_in(ledger: Ledger, worker: str | None = None) -> Callable[[Any, str], None]:
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


# --- First role: inside a worker -------------------------------------------------


def install(signals: Any) -> None:
    """Wait for a worker to announce itself; called when celery.signals is imported."""
    folder = os.environ.get("QUEUEPROOF_LEDGER")
    if not folder:
        return

    def on_celeryd_init(sender: Any = None, instance: Any = None, **_: Any) -> None:
        try:
            name = _name_node(instance) or str(sender)
            ledger = Ledger(folder)
            Witness(ledger, name).connect(signals)
            register_probes(instance.app, _mark_in(ledger, name))
        except OWN_MISTAKES:
            pass

    signals.celeryd_init.connect(on_celeryd_init, weak=False)


def _name_node(worker: Any) -> str | None:
    """Name a replica of a worker: its command, as deployed, names every one alike."""
    node = os.environ.get("QUEUEPROOF_NODE")
    if node is None:
        return None
    host = str(worker.hostname).partition("@")[2]
    worker.hostname = f"{node}@{host}"
    return str(worker.hostname)


# --- Second role: the agent ------------------------------------------------------


class Agent:
    """Answers requests {"id", "op", ...} with {"id", "ok", "value" | "error"}."""

    def __init__(self, app: Any) -> None:
        self.app = app
        app.loader.import_default_modules()
        ledger = Ledger(os.environ.get("QUEUEPROOF_LEDGER", "."))
        register_probes(app, _mark_in(ledger))
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
        with open(_release(job), "w", encoding="utf-8"):
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


if __name__ == "__main__":
    if sys.argv[1:2] != ["agent"] or len(sys.argv) != 3:
        sys.exit("usage: python witness.py agent MODULE:APP")
    sys.path[0] = os.getcwd()  # not this file's folder: its neighbours are ours
    run_agent(sys.argv[2])
