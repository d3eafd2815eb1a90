"""HTTP routes of chat: ask, search, and read a session.

What is asked is a job like any other: `/api/v2/agent/status/<id>` tells its result.
Whether there is an index to search is the job's business: it may be made while the
message waits.
"""

import uuid
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path

from reference_app import answers, submission
from reference_app.agent import sessions, tasks
from reference_app.agent.api import limits_of, started
from reference_app.agent.chat_schemas import (
    SESSION_PATTERN,
    ChatRequest,
    ChatStartedResponse,
    ContextRequest,
    IndexRequest,
    SearchRequest,
    SessionResponse,
    TurnResponse,
)
from reference_app.agent.schemas import StartedResponse
from reference_app.job_task import JobTask
from reference_app.submission import IdempotencyKey

router = APIRouter(tags=["chat"])

#: Of every route that submits.
SUBMITS: dict[str, Any] = {"status_code": 202, "responses": answers.SUBMIT}

SessionId = Annotated[str, Path(pattern=SESSION_PATTERN)]

#: Names the sessions that begin with an Idempotency-Key.
_SESSIONS = uuid.UUID("5b0e6f0c-6c0b-4f0e-9a53-0d1f6f8f7a11")


@router.post("", **SUBMITS)
def say(request: ChatRequest, key: IdempotencyKey = None) -> ChatStartedResponse:
    """Say something; the answer is made of sentences of the knowledge base."""
    session_id = request.session_id or _new_session(key)
    wanted = request.model_dump(exclude_none=True) | {"session_id": session_id}
    accepted = _submit(tasks.process_chat, wanted, key)
    return ChatStartedResponse(session_id=session_id, **accepted.model_dump())


@router.post("/search", **SUBMITS)
def search(request: SearchRequest, key: IdempotencyKey = None) -> StartedResponse:
    """Find the items that say something about a question."""
    return _submit(tasks.search_knowledge_base, request.model_dump(), key)


@router.post("/context", **SUBMITS)
def context(request: ContextRequest, key: IdempotencyKey = None) -> StartedResponse:
    """Find the sentences of some items that answer a question."""
    wanted = request.model_dump(exclude_none=True)
    return _submit(tasks.generate_chat_context, wanted, key)


@router.post("/index", **SUBMITS)
def index(request: IndexRequest, key: IdempotencyKey = None) -> StartedResponse:
    """Bring the index up to date with the items."""
    return _submit(tasks.update_embeddings_index, request.model_dump(), key)


@router.get("/sessions/{session_id}", responses=answers.UNKNOWN)
def session(session_id: SessionId) -> SessionResponse:
    """Tell what was said in a session."""
    found = sessions.turns(session_id)
    if not found:
        raise HTTPException(404, f"There is no session {session_id!r}.")
    told = [TurnResponse(**asdict(turn)) for turn in found]
    return SessionResponse(session_id=session_id, turns=told)


def _submit(task: JobTask, wanted: dict[str, Any], key: str | None) -> StartedResponse:
    task_id = submission.submit(task, wanted, limits_of("chat"), key=key)
    return started(task_id, "chat")


def _new_session(key: str | None) -> str:
    # A submit that is repeated with its key must be the same request.
    return str(uuid.uuid4() if key is None else uuid.uuid5(_SESSIONS, key))
