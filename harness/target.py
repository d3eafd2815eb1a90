"""The application under test, in our words: what `harness.target_file` reads.

In Python, build a `Target` directly.
"""

import difflib
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.errors import TargetError

#: Our words; an application's own are translated into them.
STATES = ("pending", "started", "progress", "completed", "failed", "cancelled")
EVENTS = ("progress", "completed", "failed", "cancelled")
TERMINAL = ("completed", "failed", "cancelled")

ROLES = ("api", "worker", "beat")

#: What a submit may do while the broker cannot be reached: answer 503 and keep nothing,
#: or let processes of the API run the job.
POLICIES = ("refuse", "run_locally")

#: Positions of the flag of a migration: new jobs go to workers, or the way of before.
POSITIONS = ("on", "off")
#: What jobs hold much of: main memory, or that of a card, which NVML tells.
DEVICES = ("memory", "nvml")


@dataclass(frozen=True)
class Api:
    """Routes as "METHOD /path/{job}", and the names of the fields in the answers.

    `expire` is the environment of an API whose ended jobs expire within a second.
    `key` is the header by which a submit that is repeated is known as the same one.
    """

    health: str = "GET /health"
    status: str = ""
    cancel: str = ""
    job_id: str = "job_id"
    state: str = "state"
    result: str = "result"
    error: str = "error"
    reason: str = "reason"
    answer: str = "status"
    key: str = ""
    expire: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Socket:
    """How a Socket.IO client watches a job; `room` is what it sends, with {job}.

    And with {seq}, where a client that comes back says which event it had last, and is
    sent those that follow; 0 says that it has none.

    `fields` maps our names of an event's fields (job, percent, message, seq, attempt,
    result, error, reason) to theirs, where they differ.
    """

    path: str = "socket.io"
    subscribe: str = "subscribe"
    unsubscribe: str = "unsubscribe"
    room: Mapping[str, str] = field(default_factory=lambda: {"channel": "{job}"})
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    """Where the application keeps the state of a job: a database of SQLite.

    `sqlite` is its file under {data}; `query` returns the state, in the application's
    word or ours, for one parameter: the job's id.
    """

    sqlite: str
    query: str


@dataclass(frozen=True)
class Job:
    """One kind of job users submit; limits are those the application enforces.

    `wrong` is {field of the payload: a value with which it must be refused}.

    Without an API it is sent as `task(*args, **kwargs)`, and its limits with it; then
    `expected_s`, which it takes when nothing stops it, is longer than both.
    `coroutine` says that its body is one, whose own `finally` marks "coroutine cleanup"
    in the journal.

    `repeatable` says that the same request gives the same result, whenever and wherever
    it is asked; `stages` are messages of progress that each user is sent, in order.

    `room` is what a client sends to watch such a job, where it is not the target's.

    `reads` is a file under {data} without which it meets a fault that passes; such
    faults are the errors named `transient`, and it is tried again `retries` times.
    """

    submit: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)
    wrong: Mapping[str, Any] = field(default_factory=dict)
    task: str = ""
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    expected_s: float | None = None
    soft_s: float | None = None
    hard_s: float | None = None
    coroutine: bool = False
    repeatable: bool = False
    stages: Sequence[str] = ()
    room: Mapping[str, str] = field(default_factory=dict)
    reads: str = ""
    transient: Sequence[str] = ()
    retries: int = 0


@dataclass(frozen=True)
class Container:
    """How the parts run with --engine container.

    Without an `image` of the application's own, in a plain image of Python with the
    interpreter, packages and sources of this machine mounted; with `mounts` in its own
    image too. Otherwise `python` is the interpreter in the image, whose entrypoint is
    replaced by the commands above. `user` as in `docker run --user`; `memory_mib` is
    the limit of each part, 0 for none.
    """

    image: str = ""
    user: str = ""
    mounts: bool = False
    python: str = "python"
    memory_mib: int = 0


@dataclass(frozen=True)
class Entry:
    """What gives a run of an entry of beat's schedule more to do than it has time for.

    So many files, years old, in a folder below {data} that the run cleans up.
    """

    litter: str = ""
    files: int = 10


@dataclass(frozen=True)
class Target:
    """The application under test. Only `app` is needed for contracts of a worker.

    `chdir` is the folder whose files commands find where they start; what they write
    there stays in the run's own folder. `longest_countdown_s` is the longest time that
    a message of it waits for its ETA, countdown or retry; 0 where nobody says.
    `fallback` is {policy: what the environment of an API with this policy has beside
    `env`}, for each policy that can be chosen; `flag` the same for both positions, on
    and off, of the flag of a migration.
    """

    app: str
    python: str = sys.executable
    chdir: Path | None = None
    pythonpath: tuple[Path, ...] = ()
    queues: tuple[str, ...] = ()
    device: str = "memory"
    links: tuple[str, ...] = ()
    longest_countdown_s: float = 0.0
    allow_hosts: tuple[str, ...] = ()
    commands: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    api: Api | None = None
    socket: Socket | None = None
    record: Record | None = None
    states: Mapping[str, str] = field(default_factory=dict)
    events: Mapping[str, str] = field(default_factory=dict)
    jobs: Mapping[str, Job] = field(default_factory=dict)
    fallback: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    flag: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    schedule: Mapping[str, Entry] = field(default_factory=dict)
    bounds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    container: Container = field(default_factory=Container)

    @classmethod
    def load(cls, path: Path | str) -> "Target":
        """Read a target description; raises TargetError."""
        from harness.target_file import load  # which makes a Target, and so needs us

        return load(path)

    @property
    def provides(self) -> frozenset[str]:
        """Return what contracts may need: app, api, worker, beat, socket, job, ..."""
        found = {"app", *self.commands}
        if self.api is None:
            found.discard("api")
        if self.socket is not None:
            found.add("socket")
        if self.jobs:
            found.add("job")
        if self.fallback and "api" in found:
            found.add("fallback")
        if self.flag and "api" in found:
            found.add("flag")
        if any("{journal}" in value for value in self.env.values()):
            found.add("journal")
        return frozenset(found)

    @property
    def limits(self) -> dict[str, dict[str, Any]]:
        """Return {job kind: {"soft_s", "hard_s"}}, for the first line of a history.

        And "retries" and "transient" of a kind that is tried again.
        """
        told: dict[str, dict[str, Any]] = {}
        for kind, job in self.jobs.items():
            told[kind] = {"soft_s": job.soft_s, "hard_s": job.hard_s}
            if job.retries:
                told[kind] |= {"retries": job.retries, "transient": [*job.transient]}
        return told

    @property
    def coroutines(self) -> list[str]:
        """Return the kinds of jobs that are coroutines, for the first line, too."""
        return [kind for kind, job in self.jobs.items() if job.coroutine]

    @property
    def repeatable(self) -> dict[str, list[str]]:
        """Return the kinds of jobs whose results repeat, and the stages of each."""
        return {k: [*job.stages] for k, job in self.jobs.items() if job.repeatable}

    @property
    def longest_job(self) -> str:
        """Return the kind of job users submit that is expected to take longest."""
        return self._by_length()[-1]

    @property
    def shortest_job(self) -> str:
        """Return the kind of job users submit that is expected to be done first."""
        return self._by_length()[0]

    def _by_length(self) -> list[str]:
        users = [kind for kind, job in self.jobs.items() if job.submit]
        if not users:
            raise TargetError("No [job.<kind>] has a route `submit`. Describe one.")
        return sorted(users, key=lambda kind: self.jobs[kind].expected_s or 0.0)

    def command(self, role: str, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return the words of a role's command, placeholders filled."""
        return tuple(
            word.format_map(values) for word in shlex.split(self.commands[role])
        )

    def job(self, kind: str) -> Job:
        """Return one kind of job; raises TargetError where the target has none such."""
        if kind not in self.jobs:
            raise TargetError(
                f"Job {kind!r} is not described{nearest(kind, self.jobs)}. "
                f"Add a table [job.{kind}] to target.toml."
            )
        return self.jobs[kind]

    def socket_of(self, kind: str) -> Socket:
        """Return how jobs of a kind are watched; TargetError where nothing says it."""
        if self.socket is None:
            raise TargetError("The target has no events to watch. Add [socket].")
        room = self.jobs[kind].room if kind in self.jobs else {}
        return replace(self.socket, room=room) if room else self.socket


def nearest(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean ..." where a known word is near, else nothing."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}" if near else ""
