"""The application under test, described by one TOML file.

    app = "shop.broker:app"                  # the Celery app; all that workers need
    queues = ["default"]                     # the queues its own worker serves
    links = ["worker"]                       # parts whose way to Redis can be hurt
    pythonpath = ["src"]                     # relative to this file
    python = "/srv/shop/venv/bin/python"     # default: the interpreter of the tests

    [commands]                         # as deployed; {python} {app} {host} {port}
    worker = "{python} -m celery -A {app} worker"
    api = "shop-api --host {host} --port {port}"
    [env]                                    # also {broker} {results} {events} {data}
    DATABASE_URL = "sqlite:///{data}/shop.db"   # and {journal}: a folder per run
    [api]                                    # "METHOD /route/{job}"
    [socket]                                 # Socket.IO: subscribe, room, fields
    [words.states]                           # its word -> ours
    [words.events]
    [job.report]                             # submit, payload, soft_s, hard_s, ...
    [bounds."terminal.every-exit"]           # a contract's bounds, in seconds
    [container]                              # for --engine container: image, user, ...

CELERY_BROKER_URL and CELERY_RESULT_BACKEND are always set. A key that is not known is
refused with the nearest one that is. In Python, build a `Target` directly.
"""

import difflib
import shlex
import string
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from harness.errors import TargetError

#: Our words; an application's own are translated into them.
STATES = ("pending", "started", "progress", "completed", "failed", "cancelled")
EVENTS = ("progress", "completed", "failed", "cancelled")
TERMINAL = ("completed", "failed", "cancelled")

ROLES = ("api", "worker", "beat")

#: What may stand in braces in a command or a value of [env].
PLACEHOLDERS = (
    "python",
    "app",
    "host",
    "port",
    "broker",
    "results",
    "events",
    "data",
    "journal",
)

T = TypeVar("T")


@dataclass(frozen=True)
class Api:
    """Routes as "METHOD /path/{job}", and the names of the fields in the answers."""

    health: str = "GET /health"
    status: str = ""
    cancel: str = ""
    job_id: str = "job_id"
    state: str = "state"
    result: str = "result"
    error: str = "error"
    reason: str = "reason"
    answer: str = "status"


@dataclass(frozen=True)
class Socket:
    """How a Socket.IO client watches a job; `room` is what it sends, with {job}.

    `fields` maps our names of an event's fields (job, percent, message, seq, attempt,
    result, error, reason) to theirs, where they differ.
    """

    path: str = "socket.io"
    subscribe: str = "subscribe"
    unsubscribe: str = "unsubscribe"
    room: Mapping[str, str] = field(default_factory=lambda: {"channel": "{job}"})
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """One kind of job users submit; limits are those the application enforces."""

    submit: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)
    expected_s: float | None = None
    soft_s: float | None = None
    hard_s: float | None = None


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
class Target:
    """The application under test. Only `app` is needed for contracts of a worker."""

    app: str
    python: str = sys.executable
    pythonpath: tuple[Path, ...] = ()
    queues: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    commands: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    api: Api | None = None
    socket: Socket | None = None
    states: Mapping[str, str] = field(default_factory=dict)
    events: Mapping[str, str] = field(default_factory=dict)
    jobs: Mapping[str, Job] = field(default_factory=dict)
    bounds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    container: Container = field(default_factory=Container)

    @property
    def provides(self) -> frozenset[str]:
        """Return what contracts may need of app, api, worker, beat, socket, job, ..."""
        found = {"app", *self.commands}
        if self.api is None:
            found.discard("api")
        if self.socket is not None:
            found.add("socket")
        if self.jobs:
            found.add("job")
        if any("{journal}" in value for value in self.env.values()):
            found.add("journal")
        return frozenset(found)

    @property
    def limits(self) -> dict[str, dict[str, float | None]]:
        """Return {job kind: {"soft_s", "hard_s"}}, for the first line of a history."""
        return {
            kind: {"soft_s": job.soft_s, "hard_s": job.hard_s}
            for kind, job in self.jobs.items()
        }

    def command(self, role: str, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return the words of a role's command, placeholders filled."""
        return tuple(
            word.format_map(values) for word in shlex.split(self.commands[role])
        )

    def job(self, kind: str) -> Job:
        """Return one kind of job; raises TargetError where the target has none such."""
        if kind not in self.jobs:
            raise TargetError(
                f"Job {kind!r} is not described{_nearest(kind, self.jobs)}. "
                f"Add a table [job.{kind}] to target.toml."
            )
        return self.jobs[kind]


def load(path: Path | str) -> Target:
    """Read a target description.

    Raises:
        TargetError: no such file, not TOML, an unknown key or a wrong value; names
            file, key and value, and says what to do.
    """
    path = Path(path)
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TargetError(f"No target description at {path}. Write one.") from None
    except tomllib.TOMLDecodeError as error:
        raise TargetError(f"{path} is not TOML: {error}. Correct that line.") from error
    try:
        return _target(raw, path.resolve().parent)
    except TargetError as error:
        raise TargetError(f"{path}: {error}") from None


def _target(raw: dict[str, Any], folder: Path) -> Target:
    top = ("words", "job", *(f.name for f in fields(Target)))
    known = [name for name in top if name not in ("states", "events", "jobs")]
    _refuse_unknown(raw, known, "")
    app = _need(raw, "app", str, "")
    if ":" not in app:
        raise TargetError(f'app = {app!r}: write "module:attribute".')
    words = _need(raw, "words", dict, "", default={})
    _refuse_unknown(words, ["states", "events"], "words.")
    commands = _strings(raw.get("commands", {}), "commands")
    _refuse_unknown(commands, ROLES, "commands.")
    env = _strings(raw.get("env", {}), "env")
    if "PYTHONPATH" in env:
        raise TargetError("env.PYTHONPATH: use the key `pythonpath` instead.")
    for where, table in (("commands", commands), ("env", env)):
        _check_placeholders(table, where)
    return Target(
        app=app,
        python=_need(raw, "python", str, "", default=sys.executable),
        pythonpath=tuple(
            (folder / entry).resolve() for entry in _list(raw, "pythonpath")
        ),
        queues=tuple(_list(raw, "queues")),
        links=_roles(raw, "links", commands),
        commands=commands,
        env=env,
        api=_record(Api, raw["api"], "api") if "api" in raw else None,
        socket=_record(Socket, raw["socket"], "socket") if "socket" in raw else None,
        states=_words(words.get("states", {}), STATES, "words.states"),
        events=_words(words.get("events", {}), EVENTS, "words.events"),
        jobs={
            kind: _record(Job, table, f"job.{kind}")
            for kind, table in _need(raw, "job", dict, "", default={}).items()
        },
        bounds=_need(raw, "bounds", dict, "", default={}),
        container=_record(Container, raw.get("container", {}), "container"),
    )


def _record(kind: type[T], table: Any, where: str) -> T:
    if not isinstance(table, dict):
        raise TargetError(f"{where} = {table!r}: write a table [{where}].")
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    _refuse_unknown(table, known, f"{where}.")
    for key, value in table.items():
        wants: tuple[type, ...] = (str,)
        if key in ("payload", "room", "fields"):
            wants = (dict,)
        elif key.endswith("_s"):
            wants = (int, float)
        elif key in ("mounts", "memory_mib"):
            wants = (bool,) if key == "mounts" else (int,)
        if not isinstance(value, wants):
            names = " or ".join(want.__name__ for want in wants)
            raise TargetError(f"{where}.{key} = {value!r}: expected {names}.")
    for key in ("submit", "status", "cancel", "health"):
        route = table.get(key, "")
        if route and " /" not in route:
            raise TargetError(f'{where}.{key} = {route!r}: write "METHOD /path".')
    return kind(**table)


def _words(table: Any, ours: tuple[str, ...], where: str) -> dict[str, str]:
    words = _strings(table, where)
    for theirs, our in words.items():
        if our not in ours:
            raise TargetError(
                f"{where}.{theirs!r} = {our!r}: not a word of ours"
                f"{_nearest(our, ours)}. Use one of {', '.join(ours)}."
            )
    return words


def _check_placeholders(table: Mapping[str, str], where: str) -> None:
    for key, text in table.items():
        try:
            names = [name for _, name, _, _ in string.Formatter().parse(text) if name]
        except ValueError as error:
            raise TargetError(
                f"{where}.{key} = {text!r}: {error}. Write {{{{ for a brace."
            ) from None
        for name in names:
            if name not in PLACEHOLDERS:
                raise TargetError(
                    f"{where}.{key} = {text!r}: nothing is called {{{name}}}"
                    f"{_nearest(name, PLACEHOLDERS)}. Known: {', '.join(PLACEHOLDERS)}."
                )


def _strings(table: Any, where: str) -> dict[str, str]:
    if not isinstance(table, dict):
        raise TargetError(f"{where} = {table!r}: write a table [{where}].")
    for key, value in table.items():
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise TargetError(
                f"{where}.{key} = {value!r}: expected a text or a number."
            )
    return {key: str(value) for key, value in table.items()}


def _list(raw: dict[str, Any], key: str) -> list[str]:
    values = raw.get(key, [])
    if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
        raise TargetError(f"{key} = {values!r}: expected a list of texts.")
    return values


def _roles(raw: dict[str, Any], key: str, commands: Any) -> tuple[str, ...]:
    roles = tuple(_list(raw, key))
    for role in roles:
        if role not in commands:
            raise TargetError(
                f"{key} = {list(roles)!r}: no [commands] for {role!r}"
                f"{_nearest(role, commands)}. Known: {', '.join(commands)}."
            )
    return roles


def _need(
    raw: dict[str, Any], key: str, kind: type[T], where: str, default: Any = None
) -> T:
    value = raw.get(key, default)
    if value is None:
        raise TargetError(f"{where}{key} is missing. Add it.")
    if not isinstance(value, kind):
        raise TargetError(f"{where}{key} = {value!r}: expected {kind.__name__}.")
    return value


def _refuse_unknown(table: Mapping[str, Any], known: Any, where: str) -> None:
    for key in table:
        if key not in known:
            raise TargetError(
                f"{where}{key} = {table[key]!r}: there is no such key"
                f"{_nearest(key, known)}. Known: {', '.join(known)}."
            )


def _nearest(word: str, known: Any) -> str:
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}" if near else ""
