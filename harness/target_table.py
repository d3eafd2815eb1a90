"""Makes a target of the table that describes it; a wrong key or value is named."""

import re
import string
import sys
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, TypeVar

from harness.errors import TargetError
from harness.target import (
    DEVICES,
    EVENTS,
    POLICIES,
    POSITIONS,
    ROLES,
    STATES,
    Api,
    Container,
    Entry,
    Job,
    Record,
    Socket,
    Target,
    nearest,
)

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

#: A name, an IPv4 or IPv6 address, or a network: no scheme, no port, no comma.
_HOST = re.compile(
    r"[\w.-]+(/\d+)?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(/\d+)?"
)

T = TypeVar("T")


def from_table(raw: dict[str, Any], folder: Path) -> Target:
    """Return the target a table describes; its paths are relative to `folder`.

    Raises:
        TargetError: an unknown key or a wrong value, named, with the nearest one.
    """
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
        chdir=(folder / _need(raw, "chdir", str, "")).resolve()
        if "chdir" in raw
        else None,
        pythonpath=tuple(
            (folder / entry).resolve() for entry in _list(raw, "pythonpath")
        ),
        queues=tuple(_list(raw, "queues")),
        device=_device(raw),
        links=_roles(raw, "links", commands),
        longest_countdown_s=_seconds(raw, "longest_countdown_s"),
        allow_hosts=_hosts(raw, "allow_hosts"),
        commands=commands,
        env=env,
        api=_record(Api, raw["api"], "api") if "api" in raw else None,
        socket=_record(Socket, raw["socket"], "socket") if "socket" in raw else None,
        record=_record(Record, raw["record"], "record") if "record" in raw else None,
        states=_words(words.get("states", {}), STATES, "words.states"),
        events=_words(words.get("events", {}), EVENTS, "words.events"),
        jobs={
            kind: _job(table, f"job.{kind}")
            for kind, table in _need(raw, "job", dict, "", default={}).items()
        },
        fallback=_fallback(_need(raw, "fallback", dict, "", default={})),
        flag=_flag(_need(raw, "flag", dict, "", default={})),
        schedule={
            name: _entry(table, f"schedule.{name}")
            for name, table in _need(raw, "schedule", dict, "", default={}).items()
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
        if key in ("payload", "wrong", "kwargs", "room", "fields", "expire"):
            wants = (dict,)
        elif key in ("args", "transient", "stages"):
            wants = (list,)
        elif key.endswith("_s"):
            wants = (int, float)
        elif key in ("mounts", "coroutine", "repeatable"):
            wants = (bool,)
        elif key in ("memory_mib", "retries", "files"):
            wants = (int,)
        if not isinstance(value, wants):
            names = " or ".join(want.__name__ for want in wants)
            raise TargetError(f"{where}.{key} = {value!r}: expected {names}.")
    for key in ("submit", "status", "cancel", "health"):
        route = table.get(key, "")
        if route and " /" not in route:
            raise TargetError(f'{where}.{key} = {route!r}: write "METHOD /path".')
    for key, one in known.items():
        optional = one.default is not MISSING or one.default_factory is not MISSING
        if key not in table and not optional:
            raise TargetError(f"{where}.{key} is missing. Add it.")
    return kind(**table)


def _job(table: Any, where: str) -> Job:
    job = _record(Job, table, where)
    for key in ("args", "kwargs"):
        if getattr(job, key) and not job.task:
            raise TargetError(
                f"{where}.{key} = {getattr(job, key)!r}: of which task? "
                f'Add {where}.task = "module.task".'
            )
    if job.submit and job.task:
        raise TargetError(
            f"{where}.task = {job.task!r}: it is submitted by {job.submit!r} already. "
            "Keep one of the two."
        )
    if bool(job.retries) != bool(job.transient):
        raise TargetError(
            f"{where}.retries = {job.retries}, {where}.transient = "
            f"{list(job.transient)}: say both, how often it is tried again and after "
            "which errors, or neither."
        )
    return job


def _entry(table: Any, where: str) -> Entry:
    entry = _record(Entry, table, where)
    if not entry.litter.startswith("{data}/") or ".." in entry.litter:
        raise TargetError(
            f'{where}.litter = {entry.litter!r}: write a folder below "{{data}}/", '
            "since files are laid there and removed."
        )
    return entry


def _words(table: Any, ours: tuple[str, ...], where: str) -> dict[str, str]:
    words = _strings(table, where)
    for theirs, our in words.items():
        if our not in ours:
            raise TargetError(
                f"{where}.{theirs!r} = {our!r}: not a word of ours"
                f"{nearest(our, ours)}. Use one of {', '.join(ours)}."
            )
    return words


def _fallback(table: dict[str, Any]) -> dict[str, dict[str, str]]:
    _refuse_unknown(table, POLICIES, "fallback.")
    return {
        policy: _strings(env, f"fallback.{policy}") for policy, env in table.items()
    }


def _flag(table: dict[str, Any]) -> dict[str, dict[str, str]]:
    _refuse_unknown(table, POSITIONS, "flag.")
    for position in POSITIONS if table else ():
        _need(table, position, dict, "flag.")
    return {
        position: _strings(env, f"flag.{position}") for position, env in table.items()
    }


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
                    f"{nearest(name, PLACEHOLDERS)}. Known: {', '.join(PLACEHOLDERS)}."
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
                f"{nearest(role, commands)}. Known: {', '.join(commands)}."
            )
    return roles


def _device(raw: dict[str, Any]) -> str:
    device = _need(raw, "device", str, "", default=DEVICES[0])
    if device not in DEVICES:
        raise TargetError(
            f"device = {device!r}: not one of {', '.join(DEVICES)}"
            f"{nearest(device, DEVICES)}."
        )
    return device


def _hosts(raw: dict[str, Any], key: str) -> tuple[str, ...]:
    hosts = tuple(_list(raw, key))
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise TargetError(
                f"{key} = {list(hosts)!r}: {host!r} is no host. Write a name, an "
                'address or a network alone, such as "db.internal" or "10.1.0.0/16".'
            )
    return hosts


def _need(
    raw: dict[str, Any], key: str, kind: type[T], where: str, default: Any = None
) -> T:
    value = raw.get(key, default)
    if value is None:
        raise TargetError(f"{where}{key} is missing. Add it.")
    if not isinstance(value, kind):
        raise TargetError(f"{where}{key} = {value!r}: expected {kind.__name__}.")
    return value


def _seconds(raw: dict[str, Any], key: str) -> float:
    value = raw.get(key, 0.0)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise TargetError(f"{key} = {value!r}: expected seconds.")
    return float(value)


def _refuse_unknown(table: Mapping[str, Any], known: Any, where: str) -> None:
    for key in table:
        if key not in known:
            raise TargetError(
                f"{where}{key} = {table[key]!r}: there is no such key"
                f"{nearest(key, known)}. Known: {', '.join(known)}."
            )
