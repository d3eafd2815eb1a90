"""Whether an API answers a route that needs nothing of others, asked all the time.

An answer is counted from when it was due, not from when it could be asked for: while
one is late, those due meanwhile are late too, as those of other users would be.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from harness import plain_http
from harness.recorder import Recorder

#: Seconds between two questions: enough of them in a stall of a second.
EVERY_S = 0.02

#: Seconds after which an answer counts as none.
ANSWER_WITHIN_S = 5.0


@contextmanager
def watched(history: Recorder, api: str, url: str, route: str) -> Iterator[None]:
    """Ask `route` ("METHOD /path") while the body runs, one question after the other.

    Each is a `probe.health` with `late_s`, the seconds from due to answered, and the
    `code`, None where there was no answer. Returns when all that were due are answered.
    """
    method, _, path = route.partition(" ")
    over, over_s = threading.Event(), [0.0]

    def ask() -> None:
        with plain_http.client(url, timeout_s=ANSWER_WITHIN_S) as client:
            due = time.monotonic()
            while not over.wait(due - time.monotonic()) or due <= over_s[0]:
                try:
                    code = client.request(method, path).status_code
                except httpx.TransportError:
                    code = None
                late_s = round(time.monotonic() - due, 6)
                history.record("probe", "health", api=api, code=code, late_s=late_s)
                due += EVERY_S

    thread = threading.Thread(target=ask, name="queueproof-health", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over_s[0] = time.monotonic()
        over.set()
        thread.join()
