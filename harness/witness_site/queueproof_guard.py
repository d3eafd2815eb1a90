"""Keeps the Python processes of a stack away from services that are not the stack's.

`sitecustomize`, beside this file, installs it where QUEUEPROOF_ALLOWED_HOSTS is set,
which only a stack does: names, addresses and networks, separated by commas. From then
on an audit hook refuses to connect or send to an internet address that is neither
loopback nor allowed. OutsideStack, an OSError, names the address and the line of the
application's code, and the ledger gets {"what": "refused", "part", "host", "port",
"name", "site"}, once per address and line. Names are looked up here, when an address
is in doubt, because what a name means depends on where the process runs.

What it cannot see: the event comes from Python's own sockets (gevent, eventlet and
asyncio use them). A library that connects in C does not raise it: libpq (psycopg), the
MySQL client, librdkafka, gRPC, libuv (uvloop). Nor does a program that is not Python,
or a Python started with -E or -I. Looking a name up is not refused.

Python >= 3.9, standard library only. An audit hook cannot be removed and hears every
event, so for all others it does one look-up in a dictionary.
"""

from __future__ import annotations

import errno
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: Where the system's resolver asks; a resolver written in Python asks there too.
RESOLVER_FILE = "/etc/resolv.conf"
DNS_PORT = 53

#: What a host may be called that is no name: CPython's own two spellings.
SPELLINGS = {"": "0.0.0.0", "<broadcast>": "255.255.255.255"}


class OutsideStack(PermissionError):
    """Refused: the address belongs neither to the stack nor to this machine alone."""


class Guard:
    """Decides which addresses a process may reach; `tell` takes what was refused."""

    def __init__(self, allowed: str, part: str, tell: Callable[..., None]) -> None:
        self.allowed = {host.strip().lower() for host in allowed.split(",")} - {""}
        self.part = part or "a process"
        self._tell = tell
        self._told: set[tuple[str, Any, str]] = set()
        #: Host names and addresses found to be allowed.
        self._fine = set(self.allowed)
        #: Port -> the last name that was looked up for it, for the message.
        self._names: dict[str, str] = {}

    def install(self) -> None:
        """Listen from now on, until the process ends."""
        listen: dict[str, Callable[..., None]] = {
            "socket.connect": self.check,  # connect_ex raises it too
            "socket.sendto": self.check,
            "socket.sendmsg": self.check,
            "socket.getaddrinfo": self._remember,
        }

        def hook(event: str, args: tuple[Any, ...]) -> None:
            act = listen.get(event)
            if act is not None:
                act(*args)

        sys.addaudithook(hook)

    def check(self, sock: Any, address: Any) -> None:
        """Raise OutsideStack where this socket may not reach this address."""
        if not isinstance(address, tuple):
            return  # a Unix socket, or a message on a socket that is connected
        host = address[0]
        if isinstance(host, (bytes, bytearray)):
            host = host.decode("ascii", "replace")
        if host in self._fine:
            return
        from _socket import AF_INET, AF_INET6

        if sock.family not in (AF_INET, AF_INET6):
            return
        if not self._is_allowed(host, address[1]):
            self._refuse(host, address[1])
        self._fine.add(host)

    def _is_allowed(self, host: str, port: int) -> bool:
        found = _addresses(host)
        if all(place.is_loopback or place.is_unspecified for place in found):
            return True
        if port == DNS_PORT and host in _resolvers():
            return True
        networks = [network for name in self.allowed for network in _networks(name)]
        return all(any(place in network for network in networks) for place in found)

    def _refuse(self, host: str, port: int) -> None:
        name, site = self._names.get(str(port), ""), _call_site()
        if (host, port, site) not in self._told:
            self._told.add((host, port, site))
            self._tell(part=self.part, host=host, port=port, name=name, site=site)
        also = f" ({name})" if name not in ("", host) else ""
        raise OutsideStack(
            errno.EACCES,
            f"{self.part} tried to reach {host}:{port}{also} from {site}: refused, it "
            f"is not the stack's. Point it at the stack by [env] in target.toml, or "
            f'add allow_hosts = ["{name or host}"] there.',
        )

    def _remember(self, host: Any, port: Any, *_: Any) -> None:
        if isinstance(host, str):
            self._names[str(port)] = host


def install(tell: Callable[..., None]) -> None:
    """Guard this process, if a stack started it."""
    allowed = os.environ.get("QUEUEPROOF_ALLOWED_HOSTS")
    if allowed is not None:
        Guard(allowed, os.environ.get("QUEUEPROOF_PART", ""), tell).install()


def _addresses(host: str) -> list[Any]:
    """Return what a host stands for; empty where nobody knows it."""
    import ipaddress
    from _socket import gaierror, getaddrinfo

    host = SPELLINGS.get(host, host)
    try:
        found = [host] if _is_literal(host) else [a[4][0] for a in getaddrinfo(host, 0)]
    except (gaierror, UnicodeError):
        return []
    places = [ipaddress.ip_address(str(text).partition("%")[0]) for text in found]
    return [getattr(place, "ipv4_mapped", None) or place for place in places]


def _is_literal(host: str) -> bool:
    import ipaddress

    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _networks(allowed: str) -> list[Any]:
    """Return the networks an allowed word stands for; a name may have several."""
    import ipaddress

    try:
        return [ipaddress.ip_network(allowed, strict=False)]
    except ValueError:
        return [ipaddress.ip_network(place) for place in _addresses(allowed)]


def _resolvers() -> list[str]:
    try:
        with open(RESOLVER_FILE, encoding="utf-8", errors="replace") as file:
            words = [line.split() for line in file]
    except OSError:
        return []
    return [line[1] for line in words if line[:1] == ["nameserver"] and len(line) > 1]


def _call_site() -> str:
    """Return file:line of the innermost code that is the application's own."""
    library = os.path.dirname(os.__file__)
    nearest = ""
    frame: Any = sys._getframe(1)
    while frame is not None:
        path, line = frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
        if path == __file__ or path.startswith("<"):
            continue
        installed = "site-packages" in path or "dist-packages" in path
        if not installed and not path.startswith(library):
            return f"{_short(path)}:{line}"
        if installed and not nearest:
            nearest = f"{_short(path)}:{line}"
    return nearest or "code that is not in a file"


def _short(path: str) -> str:
    """Return the path as seen from the folder it is imported from."""
    roots = [os.path.join(os.path.abspath(root), "") for root in sys.path]
    root = max((r for r in roots if path.startswith(r)), key=len, default="")
    return path[len(root) :]
