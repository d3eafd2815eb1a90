"""Looks at and signals the processes in a run's containers, from the host's side.

It runs in a small container of its own that shares the host's pid namespace, and
answers JSON lines on its standard streams. It knows only the containers it was given,
by the host's pid of their init; everything else on the machine it neither tells of nor
touches. Requests name a process as the application does: the pid in its container, its
start time, and the pid namespace.

Standard library and `harness.keeper` only: `python -S -E -m harness.engines.overseer`.
"""

import json
import os
import socket
import struct
import sys
from collections.abc import Iterable
from typing import Any

from harness.keeper import ignores, kill, pid_namespace, read_stat


class Overseer:
    """Its public methods are the requests; a process is pid, start time, namespace."""

    def __init__(self) -> None:
        #: Namespace -> host's pid and start time of the container's init.
        self._inits: dict[str, tuple[int, int]] = {}
        #: A process as named in requests -> the host's pid, once found.
        self._found: dict[tuple[int, int, str], int] = {}

    def adopt(self, init: int) -> str | None:
        """Take a container under watch; return its namespace, None where it is gone."""
        stat = read_stat(init)
        namespace = pid_namespace(init)
        if stat is None or not namespace:
            return None
        self._inits[namespace] = (init, stat.start_time)
        return namespace

    def forget(self, namespace: str) -> None:
        """Leave a container alone from now on."""
        self._inits.pop(namespace, None)
        for key in [key for key in self._found if key[2] == namespace]:
            del self._found[key]

    def main(self, namespace: str) -> dict[str, Any] | None:
        """Return {pid, start_time, runs} of the init's first child, None without one.

        `runs` turns true when it is no longer a copy of init but its own program.
        """
        init = self._init(namespace)
        if init is None:
            return None
        for line in self.tree(namespace)[:1]:
            host = self._host_pid(line["pid"], line["start_time"], namespace)
            runs = host is not None and _program(host) not in ("", _program(init))
            return {**line, "runs": runs}
        return None

    def identify(self, pid: int, namespace: str) -> int | None:
        """Return the start time of who has this pid there."""
        lines = [line for line in self.tree(namespace) if line["pid"] == pid]
        return lines[0]["start_time"] if lines else None

    def state(self, process: list[Any]) -> str | None:
        """Return its state letter."""
        host = self._host_pid(*process)
        stat = None if host is None else read_stat(host)
        return None if stat is None else stat.state

    def signal(self, process: list[Any], signum: int) -> bool:
        """Send a signal; false where the process is gone or waits to be reaped."""
        host = self._host_pid(*process)
        return host is not None and kill(host, process[1], signum)

    def ignores(self, process: list[Any], signum: int) -> bool:
        """Return whether it ignores a signal."""
        host = self._host_pid(*process)
        return host is not None and ignores(host, signum)

    def memory(self, process: list[Any]) -> float | None:
        """Return its PSS in KiB."""
        host = self._host_pid(*process)
        for line in _lines(f"/proc/{host}/smaps_rollup"):
            if line.startswith("Pss:"):
                return float(line.split()[1])
        return None

    def connections(self, process: list[Any]) -> list[tuple[str, str]]:
        """Return its TCP connections, local and remote address and port."""
        host = self._host_pid(*process)
        own = set(_sockets(host)) if host is not None else set()
        found = []
        for table in ("tcp", "tcp6"):
            for line in _lines(f"/proc/{host}/net/{table}")[1:]:
                _, local, remote, _, *rest = line.split()
                if rest[5] in own and int(remote.rpartition(":")[2], 16):
                    found.append((_endpoint(local), _endpoint(remote)))
        return found

    def tree(self, namespace: str) -> list[dict[str, Any]]:
        """Return the processes in a container without its init, in order of start."""
        init = self._init(namespace)
        if init is None:
            return []
        depth = len(_pids(init))
        lines = []
        for host in _descendants(init):
            stat, pids = read_stat(host), _pids(host)
            if stat is None or len(pids) < depth:
                continue
            pid = pids[depth - 1]
            self._found[pid, stat.start_time, namespace] = host
            parent = _pids(stat.parent)[depth - 1 : depth]
            lines.append(
                {
                    "pid": pid,
                    "start_time": stat.start_time,
                    "parent": parent[0] if parent else 0,
                    "state": stat.state,
                    "name": "".join(_lines(f"/proc/{host}/comm")),
                }
            )
        return lines

    def _init(self, namespace: str) -> int | None:
        pid, start_time = self._inits.get(namespace, (0, 0))
        stat = read_stat(pid) if pid else None
        return pid if stat is not None and stat.start_time == start_time else None

    def _host_pid(self, pid: int, start_time: int, namespace: str) -> int | None:
        key = (pid, start_time, namespace)
        if key not in self._found:
            for each in [namespace] if namespace else list(self._inits):
                self.tree(each)  # remembers what it sees
            if not namespace:
                named = {h for (p, s, _), h in self._found.items() if (p, s) == key[:2]}
                if len(named) == 1:
                    self._found[key] = named.pop()
        host = self._found.get(key)
        stat = None if host is None else read_stat(host)
        return host if stat is not None and stat.start_time == start_time else None


def _descendants(root: int) -> Iterable[int]:
    children: dict[int, list[tuple[int, int]]] = {}
    for name in os.listdir("/proc"):
        stat = read_stat(int(name)) if name.isdigit() else None
        if stat is not None:
            children.setdefault(stat.parent, []).append((stat.start_time, int(name)))
    below = sorted(children.get(root, []))
    found = []
    while below:
        found.append(below[0])
        below = sorted([*below[1:], *children.get(below[0][1], [])])
    return [pid for _, pid in found]


def _pids(host: int) -> list[int]:
    """Return the pids of one process from the outermost namespace to its own."""
    for line in _lines(f"/proc/{host}/status"):
        if line.startswith("NSpid:"):
            return [int(word) for word in line.split()[1:]]
    return []


def _program(host: int) -> str:
    try:
        return os.readlink(f"/proc/{host}/exe")
    except OSError:
        return ""


def _sockets(host: int) -> Iterable[str]:
    try:
        names = os.listdir(f"/proc/{host}/fd")
    except OSError:
        return
    for name in names:
        try:
            target = os.readlink(f"/proc/{host}/fd/{name}")
        except OSError:
            continue
        if target.startswith("socket:["):
            yield target[8:-1]


def _endpoint(text: str) -> str:
    """Return "address:port" of the kernel's hexadecimal; IPv4 also where mapped."""
    address, _, port = text.partition(":")
    raw = b"".join(
        struct.pack("=I", int(address[at : at + 8], 16))
        for at in range(0, len(address), 8)
    )
    if len(raw) == 16 and raw[:12] == bytes(10) + b"\xff\xff":
        raw = raw[12:]
    family = socket.AF_INET if len(raw) == 4 else socket.AF_INET6
    return f"{socket.inet_ntop(family, raw)}:{int(port, 16)}"


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return []


def main() -> None:
    """Answer until standard input ends."""
    overseer = Overseer()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            value = getattr(overseer, request.pop("op"))(**request)
            answer = {"value": value}
        except Exception as error:  # noqa: BLE001  # told to the engine, not hidden
            answer = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
