"""A user of the reference application: requests, pages, and a worker kept busy."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import redis
import socketio
from socketio.exceptions import TimeoutError as NothingCame

from harness import Agent, History, Stack, Target, wait_until

#: Seconds an answer, an event or an ending may take; typically a tenth of it. The
#: longest is a job on the old path, whose process imports torch first: 6 s.
ANSWER_S, EVENT_S, END_S = 15.0, 120.0, 120.0

COMPARE, SWEEP = "/api/v1/steering/compare", "/api/v1/steering/sweep"
RESULT, TASK = "/api/v1/steering/result/{}", "/api/v1/steering/task/{}"


class User:
    """Sends requests to one API process."""

    def __init__(self, url: str, target: Target) -> None:
        self.http = httpx.Client(base_url=url, timeout=ANSWER_S)
        self.get, self.post = self.http.get, self.http.post
        self.delete = self.http.delete
        self._target = target

    def payload(self, kind: str, **changes: Any) -> dict[str, Any]:
        """Return the request of a job of target.toml, changed."""
        return {**self._target.job(kind).payload, **changes}

    def submit(self, kind: str = "compare", **changes: Any) -> httpx.Response:
        """Submit a job of target.toml, its request changed; return the answer."""
        route = self._target.job(kind).submit.removeprefix("POST ")
        return self.post(route, json=self.payload(kind, **changes))

    def accepted(self, kind: str = "compare", **changes: Any) -> str:
        """Submit a job that is taken; return its id."""
        answer = self.submit(kind, **changes)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["task_id"])

    def result(self, job: str) -> dict[str, Any]:
        """Poll once."""
        answer = self.get(RESULT.format(job))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def cancel(self, job: str) -> str:
        """Wish that a job ends; return the answer's word."""
        return str(self.delete(TASK.format(job)).json()["status"])

    def ended(self, job: str, within_s: float = END_S) -> dict[str, Any]:
        """Poll until the job has ended."""
        return self.until(
            job, lambda b: b["state"] in ("completed", "failed", "cancelled"), within_s
        )

    def until(
        self, job: str, arrived: Callable[[Any], bool], within_s: float = END_S
    ) -> dict[str, Any]:
        """Poll until an answer is as wanted."""

        def look() -> dict[str, Any] | None:
            body = self.result(job)
            return body if arrived(body) else None

        found = wait_until(look, within_s=within_s, what=f"{job} is as wanted")
        assert found is not None
        return found


class Page:
    """A browser's page that watches one channel, each event as it came."""

    def __init__(self, client: socketio.SimpleClient) -> None:
        self._client = client
        self.seen: list[tuple[str, dict[str, Any]]] = []

    def hear(self, within_s: float = EVENT_S) -> tuple[str, dict[str, Any]]:
        """Return the next event: its name, without a domain, and its fields."""
        name, data = self._client.receive(timeout=within_s)
        self.seen.append((name.partition(":")[2] or name, data))
        return self.seen[-1]

    def whole_story(self) -> list[tuple[str, dict[str, Any]]]:
        """Hear until the ending, and a while longer whether anything follows it."""
        while not self.seen or self.seen[-1][0] == "progress":
            self.hear()
        with pytest.raises(NothingCame):
            self.hear(within_s=0.5)
        return self.seen


@pytest.fixture
def user(stack: Stack) -> Iterator[User]:
    """Return a user of the deployed API."""
    found = User(stack.urls.api, stack.target)
    with found.http:
        yield found


@pytest.fixture
def users_of(stack: Stack) -> Callable[..., Any]:
    """Return what starts a further API, configured differently, while a body runs.

    Unless it is told otherwise its jobs have long limits, and it may run jobs itself:
    in target.toml limits are short, and no API does.
    """

    @contextmanager
    def start(**env: str) -> Iterator[User]:
        others = {"STEERING_SOFT_TIME_LIMIT": "80", "STEERING_HARD_TIME_LIMIT": "90"}
        others["LOCAL_SLOTS"] = "1"
        with stack.replica("api", others | env) as replica:
            found = User(replica.api, stack.target)
            with found.http:
                yield found

    return start


@pytest.fixture
def page(stack: Stack) -> Callable[..., Any]:
    """Return what opens a page on a channel while a body runs."""

    @contextmanager
    def watching(channel: str, url: str = "") -> Iterator[Page]:
        with socketio.SimpleClient(handle_sigint=False) as client:
            client.connect(url or stack.urls.api, transports=["websocket"])
            client.emit("subscribe", {"channel": channel})
            yield Page(client)

    return watching


@pytest.fixture
def occupied(agent: Agent, target: Target, history: History) -> Callable[..., Any]:
    """Return what keeps the only deployed slot busy while a body runs."""

    @contextmanager
    def busy() -> Iterator[str]:
        task = agent.probe("hold", queue=target.queues[0], seconds=120)
        history.until(task, "ledger.start")
        try:
            yield task
        finally:
            agent.release(task)

    return busy


@pytest.fixture
def broker(stack: Stack) -> Iterator[redis.Redis]:
    """Return a client of the broker's database."""
    with redis.Redis.from_url(stack.urls.broker) as client:
        yield client


@pytest.fixture
def messages(broker: redis.Redis) -> Callable[[str], list[dict[str, Any]]]:
    """Return what reads the headers of the messages of a queue, oldest first."""

    def read(queue: str) -> list[dict[str, Any]]:
        waiting = broker.lrange(queue, 0, -1)
        return [json.loads(each)["headers"] for each in reversed(waiting)]

    return read


@pytest.fixture
def timed() -> Callable[[Callable[[], Any]], tuple[Any, float]]:
    """Return what makes a call and tells its seconds."""

    def call(function: Callable[[], Any]) -> tuple[Any, float]:
        began_s = time.monotonic()
        return function(), time.monotonic() - began_s

    return call
