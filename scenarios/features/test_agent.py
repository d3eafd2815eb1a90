"""The agent as its user sees it: notes, a knowledge base, and questions to it."""

import contextlib
import itertools
from collections.abc import Callable
from typing import Any

import pytest
import redis
import socketio

from harness import wait_until

AT, CHAT = "/api/v2/agent", "/api/v2/chat"
OVER = ("completed", "failed", "cancelled")

PHASES = [
    "initialization",
    "fetch_bookmarks",
    "content_processing",
    "synthesis_generation",
    "embedding_generation",
    "readme_generation",
    "git_sync",
]

#: A day, in seconds; less what a test may take.
DAY_S, WITHIN_S = 86_400, 600

#: Of the notes that come with the application.
NOTES = 27


class AgentOf:
    """Starts runs and tasks of one API, asks, and waits for endings."""

    def __init__(self, user: Any) -> None:
        self._user = user

    def submit(self, path: str = f"{AT}/start", **body: Any) -> str:
        """Submit a task that is taken; return its id."""
        answer = self._user.post(path, json=body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["task_id"])

    def start(self, **preferences: bool) -> str:
        """Start a run."""
        return self.submit(preferences=preferences)

    def part(self, name: str, **body: Any) -> str:
        """Start a part of a run."""
        return self.submit(f"{AT}/tasks/{name}", **body)

    def status(self, job: str, lines: int = 1000) -> dict[str, Any]:
        """Ask once."""
        answer = self._user.get(f"{AT}/status/{job}", params={"lines": lines})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def until(self, job: str, arrived: Callable[..., Any]) -> dict[str, Any]:
        """Ask until an answer is as wanted."""

        def look() -> dict[str, Any] | None:
            body = self.status(job)
            return body if arrived(body) else None

        found = wait_until(look, within_s=120, what=f"{job} is as wanted")
        assert found is not None
        return found

    def ended(self, job: str) -> dict[str, Any]:
        """Ask until it has ended."""
        return self.until(job, lambda body: body["state"] in OVER)

    def done(self, job: str) -> dict[str, Any]:
        """Wait for a success and return its result."""
        body = self.ended(job)
        assert body["state"] == "completed", body
        return dict(body["result"])

    def state(self) -> dict[str, Any]:
        """Ask who runs."""
        return dict(self._user.get(f"{AT}/state").json())

    def stop(self, **body: Any) -> str:
        """Wish that a task ends; return the answer's word."""
        return str(self._user.post(f"{AT}/stop", json=body).json()["status"])


@pytest.fixture
def agent_of(user):
    return AgentOf(user)


@pytest.fixture
def events(stack):
    with redis.Redis.from_url(stack.urls.events, decode_responses=True) as client:
        yield client


@pytest.fixture
def pages(page):
    """Return what opens a page that is closed after the test."""
    with contextlib.ExitStack() as opened:
        yield lambda channel: opened.enter_context(page(channel))


def story(page: Any) -> list[tuple[str, dict[str, Any]]]:
    """Hear all that is told in a room of old, up to the ending."""
    while not page.seen or page.seen[-1][0] != "agent_status_update":
        page.hear()
    return list(page.seen)


@pytest.mark.feature("S4-03", "S4-05", "S4-08", "S4-12", "S4-14", "S4-17")
def test_runs_are_started_wait_for_their_turn_and_are_told_the_same_everywhere(
    stack, agent_of, occupied, messages, pages, events, broker
):
    with occupied():
        first = agent_of.start(force_recache=True)
        second = agent_of.start(skip_git_sync=True)
        # The record, the pointer, and the queue itself
        assert [each["id"] for each in messages("agent")] == [first, second]
        waiting = {"current_task_id": None, "is_running": False, "task_queue_size": 2}
        assert agent_of.state() == waiting
        assert {each["task"] for each in messages("agent")} == {"agent.run_agent"}
        assert agent_of.status(first)["state"] == "pending"
        watching, other = (pages(f"task/{job}") for job in (first, second))
    running = agent_of.until(first, lambda body: body["is_running"])
    assert running["attempt"] == 1
    # Its message is acknowledged when it starts: none can come back while it runs.
    assert broker.zcard("unacked_index") == 0
    told = story(watching)
    assert [name for name, _ in told if name == "agent_status_update"] == [told[-1][0]]
    assert {fields["task_id"] for _, fields in told} == {first}
    assert [fields["seq"] for _, fields in told] == list(range(1, len(told) + 1))
    updates = [fields for name, fields in told if name == "phase_update"]
    named = [each["phase_id"] for each in updates]
    assert [phase for phase, _ in itertools.groupby(named)] == PHASES
    result = agent_of.done(first)
    assert told[-1][1]["result"] == result
    assert list(result["phases"]) == PHASES
    assert result["bookmarks"]["done"] == NOTES
    assert (stack.layout.data / "knowledge-base" / "README.md").is_file()
    # What the second was told: its own run, without the phase it did not want
    told = story(other)
    assert {fields["task_id"] for _, fields in told} == {second}
    (skipped,) = [f for _, f in told if f.get("status") == "skipped"]
    assert skipped["phase_id"] == "git_sync"
    result = agent_of.done(second)
    assert result["skipped"] == ["git_sync"]
    assert result["bookmarks"]["unchanged"] == NOTES
    # What is left in Redis, and what the status says of it
    status = agent_of.status(first)
    shown = events.hgetall(f"progress:{first}")
    assert (shown["status"], shown["progress"]) == ("completed", "100")
    assert shown["message"] == status["message"]
    assert events.llen(f"logs:{first}") == len(status["logs"]) <= 1000
    assert {line["task_id"] for line in status["logs"]} == {first}
    for key in (f"progress:{first}", f"logs:{first}"):
        assert DAY_S - WITHIN_S < events.ttl(key) <= DAY_S
    idle = {"current_task_id": None, "is_running": False, "task_queue_size": 0}
    assert agent_of.state() == idle
    assert broker.llen("agent") == 0


@pytest.mark.feature("S4-08")
def test_what_is_forced_is_done_anew_and_what_is_skipped_is_not_done(agent_of):
    agent_of.done(agent_of.start())
    result = agent_of.done(
        agent_of.start(force_reprocess_llm=True, skip_synthesis_generation=True)
    )
    assert result["steps"]["llm"] == {"done": NOTES, "unchanged": 0, "failed": 0}
    assert result["steps"]["cache"]["unchanged"] == NOTES
    assert result["skipped"] == ["synthesis_generation"]
    assert "synthesis_generation" not in result["phases"]


@pytest.mark.feature("S4-07", "S4-19")
def test_the_agent_is_started_and_stopped_over_the_socket(
    stack, agent_of, occupied, messages
):
    heard: dict[str, list[tuple[str, dict[str, Any]]]] = {"anna": [], "ben": []}
    clients = {}
    for name in heard:
        clients[name] = client = socketio.Client(handle_sigint=False)
        client.on("*", lambda word, data, name=name: heard[name].append((word, data)))
        client.connect(stack.urls.api, transports=["websocket"])
    try:
        with occupied():
            started = {
                name: client.call("run_agent", {"preferences": {}}, timeout=20)
                for name, client in clients.items()
            }
            assert len(messages("agent")) == 2
            wrong = {"preferences": {"magic": True}}
            refused = clients["anna"].call("run_agent", wrong, timeout=20)
            assert (refused["success"], refused["status"]) == (False, 422)
            ids = {name: answer["task_id"] for name, answer in started.items()}
            stop = {"task_id": ids["anna"]}
            answer = clients["ben"].call("stop_agent", stop, timeout=20)
            assert answer["status"] == "cancelled"
        # Cancelled, then another one: it starts
        agent_of.done(ids["ben"])
        for name, job in ids.items():
            told = heard[name]
            wait_until(
                lambda told=told: told and told[-1][0] == "agent_status_update",
                within_s=20,
                what=f"{name} hears the ending",
            )
            assert {data["task_id"] for _, data in heard[name]} == {job}
        assert [data["status"] for _, data in heard["anna"]] == ["cancelled"]
        seqs = [data["seq"] for _, data in heard["ben"]]
        assert seqs == list(range(1, len(seqs) + 1))
    finally:
        for client in clients.values():
            client.disconnect()


@pytest.mark.feature("S4-05")
def test_a_run_is_stopped_and_the_next_one_takes_up_its_work(agent_of):
    job = agent_of.start(generate_text=True)
    agent_of.until(job, lambda body: body["phase"] == "content_processing")
    assert agent_of.stop() == "cancelling"
    body = agent_of.ended(job)
    assert (body["state"], body["message"]) == ("cancelled", "Cancelled")
    counted = agent_of.done(agent_of.start())["bookmarks"]
    assert (counted["total"], counted["failed"]) == (NOTES, 0)


@pytest.mark.feature("S4-04")
def test_events_come_again_after_redis_was_restarted(users_of, faults, page):
    limits = {"AGENT_SOFT_TIME_LIMIT": "80", "AGENT_HARD_TIME_LIMIT": "90"}
    with users_of(**limits) as user, contextlib.ExitStack() as pages:
        agent_of = AgentOf(user)
        job = agent_of.start(generate_text=True, force_reprocess_llm=True)
        watching = pages.enter_context(page(f"agent/{job}"))
        while not watching.seen or watching.seen[-1][1]["phase"] != PHASES[2]:
            watching.hear()
        before = watching.seen[-1][1]["seq"]
        faults.redis_restart()
        while watching.seen[-1][1]["seq"] <= before + 1:
            watching.hear()
        assert agent_of.stop(task_id=job) == "cancelling"
        while watching.seen[-1][0] == "progress":
            watching.hear()
    assert watching.seen[-1][0] == "cancelled"


@pytest.mark.feature("S4-09", "S4-13", "S4-18")
def test_after_a_failed_run_the_next_one_in_the_same_process_is_clean(
    stack, agent_of, occupied, history, events
):
    notes = stack.layout.data / "notes-that-come-later"
    env = {
        "AGENT_SOURCE": str(notes),
        "AGENT_KB_DIR": str(stack.layout.data / "another-knowledge-base"),
        "WORKER_QUEUES": "agent",
    }
    with occupied(), stack.replica("worker", env):
        failed = agent_of.start()
        body = agent_of.ended(failed)
        assert (body["state"], body["progress"]) == ("failed", -1)
        assert "notes-that-come-later" in body["error"]
        assert events.hget(f"progress:{failed}", "status") == "failed"
        notes.mkdir()
        (notes / "one.md").write_text("# One\n\nA note that came late.\n")
        job = agent_of.start()
        result = agent_of.done(job)
        assert result["bookmarks"] | {"total": 1} == result["bookmarks"]
        body = agent_of.status(job)
        assert (body["error"], body["reason"], body["attempt"]) == (None, None, 1)
        # The job function wrote none of this.
        for each in (agent_of.status(failed), body):
            assert each["created_at"] <= each["started_at"] <= each["ended_at"]
        assert events.hget(f"progress:{job}", "status") == "completed"
        children = [
            history.until(each, "journal.start", within_s=20)["pid"]
            for each in (failed, job)
        ]
        assert children[0] == children[1]


@pytest.mark.feature("S4-10")
def test_of_several_tasks_one_fails_and_the_others_do_not(agent_of, occupied):
    with occupied():
        fetch = agent_of.part("fetch_bookmarks")
        good = agent_of.part("process_tweets", tweet_ids=["tides/fundy.md"])
        bad = agent_of.part("process_tweets", tweet_ids=["nobody.md"])
        other = agent_of.part("process_tweets", tweet_ids=["bread/gluten.md"])
    agent_of.done(fetch)
    body = agent_of.ended(bad)
    assert body["state"] == "failed"
    assert "nobody.md" in body["error"]
    for job in (good, other):
        counted = agent_of.done(job)["bookmarks"]
        assert (counted["total"], counted["failed"]) == (1, 0)


@pytest.mark.feature("S4-11")
def test_a_chat_remembers_its_session_and_searches_within_its_limits(user, agent_of):
    agent_of.done(agent_of.start())
    agent_of.done(agent_of.submit(f"{CHAT}/index"))
    question = "Why are spring tides higher than neap tides?"
    wish = {"query": question, "max_results": 3, "similarity_threshold": 0.1}
    found = agent_of.done(agent_of.submit(f"{CHAT}/search", **wish))["results"]
    assert 1 <= len(found) <= 3
    assert min(hit["score"] for hit in found) >= 0.1
    assert "tide" in found[0]["title"].lower()
    wish["similarity_threshold"] = 1.0
    assert agent_of.done(agent_of.submit(f"{CHAT}/search", **wish))["results"] == []
    about = {"query": question, "search_results": found}
    sources = agent_of.done(agent_of.submit(f"{CHAT}/context", **about))["sources"]
    assert sources
    asked = user.post(CHAT, json={"message": question})
    assert asked.status_code == 202, asked.text
    session = asked.json()["session_id"]
    answer = agent_of.done(asked.json()["task_id"])
    assert answer["sources"][0]["slug"] == found[0]["slug"]
    assert answer["generated"] is False
    asked = user.post(CHAT, json={"message": "And neap tides?", "session_id": session})
    agent_of.done(asked.json()["task_id"])
    turns = user.get(f"{CHAT}/sessions/{session}").json()["turns"]
    assert [turn["message"] for turn in turns] == [question, "And neap tides?"]
    assert turns[0]["answer"] == answer["text"]
    assert user.get(f"{CHAT}/sessions/nobody").status_code == 404
