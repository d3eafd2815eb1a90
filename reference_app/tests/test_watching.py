"""A watcher converges, whatever becomes of its socket."""

import contextlib
import threading
from collections.abc import Iterator

import pytest
import uvicorn

from reference_app import api, embedded_redis, endings, events, watching
from reference_app.jobs import State
from reference_app.settings import settings

WITHIN_S = 20


@pytest.fixture
def serving(until):
    """Return what serves the API on a port, in a thread, while a body runs."""
    return lambda port: _serving(port, until)


@contextlib.contextmanager
def _serving(port, until) -> Iterator[str]:
    config = uvicorn.Config(
        api.create_app(), port=port, log_level="warning", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started, "the API serves")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(WITHIN_S)


@pytest.fixture
def job(jobs):
    jobs.create("a", "steering.compare", {})
    jobs.start("a")
    return "a"


@pytest.fixture
def report(job):
    reporter = events.reporter(endings.client(), settings(), job, 1)

    def say(percent):
        message = events.envelope(job, 1, "progress", f"at {percent}", {})
        reporter.report(percent, message, force=True)

    return say


class Watcher:
    """Watches in a thread, and keeps what it saw."""

    def __init__(self, job, sockets, rest):
        self.seen = []
        self.error = None
        self._events = watching.watch(
            job,
            sockets=sockets,
            result=f"{rest}/api/v1/steering/result/{job}",
            domain="steering",
            within_s=WITHIN_S,
        )
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self):
        for event in self._events:
            self.seen.append(event)

    def kinds(self):
        return [event.kind for event in self.seen]

    def percents(self):
        return [event.data["percent"] for event in self.seen]

    def join(self):
        self._thread.join(WITHIN_S)
        assert not self._thread.is_alive()


def test_with_a_socket_all_is_heard_and_nothing_polled(serving, job, report, until):
    with serving(embedded_redis.free_port()) as url:
        watcher = Watcher(job, url, url)
        until(lambda: watcher.seen or report(10), "it hears something")
        report(40)
        endings.finish(job, State.COMPLETED, result={"text": "once"})
        watcher.join()
    assert watcher.kinds()[-1] == "completed"
    assert watcher.seen[-1].data["result"] == {"text": "once"}
    assert all(event.seq is not None for event in watcher.seen)


@pytest.mark.feature("S0-31")
def test_a_socket_that_is_lost_for_good_is_replaced_by_polling(
    serving, job, report, until
):
    with serving(embedded_redis.free_port()) as rest:
        with serving(embedded_redis.free_port()) as sockets:
            watcher = Watcher(job, sockets, rest)
            report(10)
            until(lambda: watcher.percents() == [10], "it hears the first")
        report(40)
        until(lambda: watcher.percents() == [10, 40], "it polls")
        assert watcher.seen[-1].seq is None
        endings.finish(job, State.FAILED, error="no", reason="error")
        watcher.join()
    assert watcher.kinds().count("failed") == 1
    assert watcher.kinds()[-1] == "failed"
    assert watcher.seen[-1].data["error"] == "no"


def test_a_server_that_restarts_is_joined_again_and_nothing_comes_twice(
    serving, job, report, until
):
    port = embedded_redis.free_port()
    with serving(port) as url:
        watcher = Watcher(job, url, url)
        report(10)
        until(lambda: watcher.percents() == [10], "it hears the first")
    report(40)
    with serving(port):
        until(lambda: 40 in watcher.percents(), "it hears what it missed")
        report(70)
        until(lambda: 70 in watcher.percents(), "it hears the next")
        endings.finish(job, State.COMPLETED, result={})
        watcher.join()
    assert watcher.percents() == [10, 40, 70, 100]
    assert watcher.kinds().count("completed") == 1


def test_without_sockets_from_the_beginning_polling_does_it_all(serving, job, until):
    nobody = f"http://127.0.0.1:{embedded_redis.free_port()}"
    with serving(embedded_redis.free_port()) as rest:
        watcher = Watcher(job, nobody, rest)
        until(lambda: watcher.seen, "it polls")
        endings.finish(job, State.CANCELLED)
        watcher.join()
    assert watcher.kinds()[-1] == "cancelled"


def test_no_ending_in_time_is_said(job):
    nobody = f"http://127.0.0.1:{embedded_redis.free_port()}"
    with pytest.raises(watching.NoEnding, match="a has not ended"):
        list(
            watching.watch(
                job, sockets=nobody, result=nobody, domain="steering", within_s=0.3
            )
        )
