"""Requests over connections that stay open, by a client that costs little.

What a client takes of the processor the server does not get: on a small machine a
comfortable one is what is measured.
"""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

#: Seconds until a request counts as one without an answer.
ANSWER_S = 15.0


class Answer(NamedTuple):
    """One answer: its status, seconds it took, Retry-After if it has one, its body."""

    status: int
    took_s: float
    retry_after: str | None
    body: bytes = b""


class Connection:
    """One client; it has one request under way."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._http = http.client.HTTPConnection(
            place.hostname or "", place.port, timeout=ANSWER_S
        )

    def ask(self, route: str, payload: dict[str, Any] | None = None) -> Answer:
        """Send a request ("METHOD /path") and read all of its answer.

        Raises:
            OSError: there was none within ANSWER_S.
        """
        method, _, path = route.partition(" ")
        body = None if payload is None else json.dumps(payload)
        headers = {} if body is None else {"Content-Type": "application/json"}
        begin_s = time.monotonic()
        self._http.request(method, path, body, headers)
        answer = self._http.getresponse()
        content = answer.read()
        took_s = time.monotonic() - begin_s
        return Answer(answer.status, took_s, answer.headers["Retry-After"], content)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()


def at_once(
    url: str, clients: int, work: Callable[[Connection], Iterable[Answer]]
) -> list[Answer]:
    """Return all answers of `work`, which each client does on its own connection."""
    answers: list[Answer] = []
    errors: list[Exception] = []

    def run() -> None:
        connection = Connection(url)
        try:
            answers.extend(work(connection))
        except Exception as error:  # noqa: BLE001 - of whatever kind: raised below
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return answers
