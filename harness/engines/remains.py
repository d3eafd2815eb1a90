"""What a run left behind in Docker: found by a label, removed over Docker's socket.

Standard library only: at the end of a run, SIGKILL included, the keeper runs it as
`python -S -E remains.py SOCKET LABEL`.
"""

import http.client
import json
import select
import socket
import sys
import time
import urllib.parse
from typing import Any

#: Seconds until it gives up: a container can be made in the run's last instant.
GIVE_UP_S = 8.0

#: Seconds between two looks, and looks in a row that find nothing before it is sure.
LOOK_S = 0.1
EMPTY_LOOKS = 3


class _Connection(http.client.HTTPConnection):
    """HTTP over the socket of a daemon on this machine."""

    def __init__(self, path: str) -> None:
        super().__init__("docker", timeout=GIVE_UP_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Remains:
    """Containers and networks that carry a label; OSError where no daemon answers."""

    def __init__(self, docker_socket: str, label: str) -> None:
        self._socket = docker_socket
        self._filter = urllib.parse.quote(json.dumps({"label": [label]}))

    def containers(self) -> list[dict[str, Any]]:
        """Return what Docker lists, living or not."""
        return self._get(f"/containers/json?all=1&filters={self._filter}")

    def networks(self) -> list[dict[str, Any]]:
        """Return what Docker lists."""
        return self._get(f"/networks?filters={self._filter}")

    def remove_container(self, id: str) -> None:
        """Kill and remove it; that it is gone already is no error."""
        self._ask("DELETE", f"/containers/{id}?force=1&v=1")

    def remove_network(self, id: str) -> None:
        """Remove it; refused, and looked at again, while a container is in it."""
        self._ask("DELETE", f"/networks/{id}")

    def remove_all(self) -> None:
        """Remove everything with this label, and what appears while it is at it."""
        give_up = time.monotonic() + GIVE_UP_S
        empty = 0
        while empty < EMPTY_LOOKS and time.monotonic() < give_up:
            containers, networks = self.containers(), self.networks()
            for each in containers:
                self.remove_container(each["Id"])
            for each in networks:
                self.remove_network(each["Id"])
            empty = 0 if containers or networks else empty + 1
            select.select([], [], [], LOOK_S)

    def _get(self, path: str) -> list[dict[str, Any]]:
        found = json.loads(self._ask("GET", path))
        return found if isinstance(found, list) else []

    def _ask(self, method: str, path: str) -> bytes:
        connection = _Connection(self._socket)
        try:
            connection.request(method, path)
            return connection.getresponse().read()
        finally:
            connection.close()


if __name__ == "__main__":
    Remains(*sys.argv[1:3]).remove_all()
