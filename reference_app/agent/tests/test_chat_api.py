import subprocess
import sys
import uuid

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from reference_app import context
from reference_app.agent import chat_api, search, talks
from reference_app.agent.chat_schemas import ChatRequest, SearchRequest
from reference_app.jobs import Path
from reference_app.settings import settings

CHAT = "chat.process_chat"


@pytest.fixture
def api(jobs):
    app = FastAPI()
    app.include_router(chat_api.router, prefix="/api/v2/chat")
    with TestClient(app) as client:
        yield client


def post(api, path="", code=202, headers=None, **body):
    answer = api.post(f"/api/v2/chat{path}", json=body, headers=headers)
    assert answer.status_code == code, answer.text
    return answer.json()


def test_a_message_is_recorded_with_what_it_was_sent_with(api, jobs):
    told = post(
        api,
        message="What is the ebb?",
        session_id="s-1",
        max_results=3,
        similarity_threshold=0,
        context="Tides.",
    )
    job = jobs.get(told["task_id"])
    assert job.kind == CHAT
    assert job.request == {
        "message": "What is the ebb?",
        "session_id": "s-1",
        "max_results": 3,
        "similarity_threshold": 0,
        "context": "Tides.",
    }
    assert told["session_id"] == "s-1"
    assert told["websocket_channel"] == f"chat/{job.id}"
    assert told["status_url"] == f"/api/v2/agent/status/{job.id}"
    soft_s, hard_s = settings().chat_soft_time_limit, settings().chat_hard_time_limit
    assert (job.soft_limit_s, job.hard_limit_s) == (soft_s, hard_s)


def test_a_message_without_a_session_begins_one(api, jobs):
    told, other = post(api, message="Hello?"), post(api, message="Hello?")
    assert uuid.UUID(told["session_id"])
    assert told["session_id"] != other["session_id"]
    assert jobs.get(told["task_id"]).request == {
        "message": "Hello?",
        "session_id": told["session_id"],
        "max_results": 5,
        "similarity_threshold": search.THRESHOLD,
    }


@pytest.mark.parametrize("session", [{}, {"session_id": "s"}])
def test_a_message_that_is_sent_again_with_its_key_is_one(api, jobs, session):
    headers = {"Idempotency-Key": "k-1"}
    told = post(api, message="Hello?", headers=headers, **session)
    assert post(api, message="Hello?", headers=headers, **session) == told
    post(api, message="Another?", headers=headers, code=422, **session)
    assert len(jobs.recent()) == 1
    session = api.get(f"/api/v2/chat/sessions/{told['session_id']}").json()
    assert [turn["task_id"] for turn in session["turns"]] == [told["task_id"]]


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/search", {"query": "ebb", "max_results": 20}, "search_knowledge_base"),
        (
            "/context",
            {"query": "ebb", "search_results": [{"slug": "ebb", "score": 0.5}]},
            "generate_chat_context",
        ),
        ("/index", {}, "update_embeddings_index"),
    ],
)
def test_the_other_routes_record_jobs_of_their_own(api, jobs, path, body, kind):
    told = post(api, path, **body)
    job = jobs.get(told["task_id"])
    assert job.kind == f"chat.{kind}"
    assert job.request.items() >= body.items()
    assert told["websocket_channel"] == f"chat/{job.id}"
    assert "session_id" not in told


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("", {}, "message"),
        ("", {"message": ""}, "message"),
        ("", {"message": " \n "}, "message"),
        ("", {"message": "a\0b"}, "message"),
        ("", {"message": "x" * 2001}, "message"),
        ("", {"message": 5}, "message"),
        ("", {"message": "x", "max_results": 0}, "max_results"),
        ("", {"message": "x", "max_results": 21}, "max_results"),
        ("", {"message": "x", "max_results": True}, "max_results"),
        ("", {"message": "x", "similarity_threshold": 1.1}, "similarity_threshold"),
        ("", {"message": "x", "similarity_threshold": "0"}, "similarity_threshold"),
        ("", {"message": "x", "session_id": "../x"}, "session_id"),
        ("", {"message": "x", "session_id": ""}, "session_id"),
        ("", {"message": "x", "context": ""}, "context"),
        ("", {"message": "x", "colour": 1}, "colour"),
        ("/search", {"query": "x", "max_results": 21}, "max_results"),
        ("/search", {"message": "x"}, "query"),
        ("/context", {"query": "x"}, "search_results"),
        ("/context", {"query": "x", "search_results": [{}]}, "slug"),
        ("/context", {"query": "x", "search_results": [{"slug": "../x"}]}, "slug"),
        (
            "/context",
            {"query": "x", "search_results": [{"slug": "x"}] * 101},
            "search_results",
        ),
        ("/index", {"force": True}, "force"),
    ],
)
def test_a_wrong_field_is_refused_by_name_and_nothing_is_recorded(
    api, jobs, path, body, named
):
    refused = post(api, path, code=422, **body)
    assert named in refused["detail"][0]["loc"]
    assert jobs.recent() == []


def test_a_session_that_nobody_used_is_unknown(api):
    assert api.get("/api/v2/chat/sessions/nobody").status_code == 404
    assert api.get("/api/v2/chat/sessions/not%20one").status_code == 422


def test_a_conversation_from_its_first_message_to_its_last_answer(api, jobs, run):
    told = post(api, message="What is the ebb?")
    at = f"/api/v2/chat/sessions/{told['session_id']}"
    (waiting,) = api.get(at).json()["turns"]
    assert (waiting["state"], waiting["answer"]) == ("pending", None)
    run(skip_git_sync=True)  # the index is made while the message waits
    again = post(api, message="Why does it rise?", session_id=told["session_id"])
    for each in (told, again):
        request = jobs.get(each["task_id"]).request
        context.run(
            each["task_id"],
            lambda ctx, request=request: talks.process_chat(request, ctx),
            path=Path.LOCAL,
        )
    first, second = api.get(at).json()["turns"]
    assert (first["task_id"], first["state"]) == (told["task_id"], "completed")
    assert first["message"] == "What is the ebb?"
    assert "[1]" in first["answer"]
    assert [first["sources"][0]["slug"], second["sources"][0]["slug"]] == ["ebb"] * 2
    result = jobs.get(again["task_id"]).result
    assert result["query"] == "What is the ebb? Why does it rise?"


def test_the_routes_offer_what_the_search_takes():
    for model in (ChatRequest, SearchRequest):
        fields = model.model_fields
        assert fields["similarity_threshold"].default == search.THRESHOLD
        assert 1 <= fields["max_results"].default <= search.MAX_RESULTS


def test_the_routes_import_nothing_heavy():
    code = "import sys, reference_app.agent.chat_api; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert not loaded & {"numpy", "scipy", "sklearn", "torch", "PIL"}
