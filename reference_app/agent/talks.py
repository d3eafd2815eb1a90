"""The job functions of chat: search, find sentences, answer. They only read.

Promise: the same question to the same knowledge base gets the same answer. A run of the
agent may write meanwhile: the index is replaced as a whole, so is each item.

Raises KnowledgeBaseError where there is no index to search, a damaged one, or one of
another AGENT_SENTENCE_MODEL; NoSentenceModel where that one cannot be used; AgentError
for a question of nothing, a number out of bounds, an item that is not there. Each
message names the remedy. What `ctx.check_cancelled()` raises passes through.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from reference_app.agent import chat, search, sentence_model, sessions
from reference_app.agent.bounds import RESULTS, THRESHOLD
from reference_app.agent.kb import KnowledgeBase
from reference_app.agent.notes import Note
from reference_app.agent.phases import Context
from reference_app.agent.search import Hit, Index
from reference_app.agent.state import State
from reference_app.settings import settings

#: The phases of a talk, and how much is done when each begins, in percent.
PHASES = {"search": 10, "context": 50, "answer": 90}


def search_knowledge_base(request: Mapping[str, Any], ctx: Context) -> dict[str, Any]:
    """Find the items that say something about `query`.

    There are at most `max_results`, and none is less like it than
    `similarity_threshold`.
    """
    _begin(ctx, "search")
    with _index(_kb(), ctx) as index:
        hits = _found(index, request["query"], request)
    return {
        "query": request["query"],
        "results": search.to_json(hits),
        "count": len(hits),
    }


def generate_chat_context(request: Mapping[str, Any], ctx: Context) -> dict[str, Any]:
    """Find the sentences of `search_results` that answer `query`.

    Of a result only the slug counts: title, path and score are those of the index now.
    An item that the index lacks is an error that names it, not a gap in the answer.
    """
    _begin(ctx, "context")
    kb, query = _kb(), request["query"]
    with _index(kb, ctx) as index:
        hits = index.among(query, {each["slug"] for each in request["search_results"]})
    sources = chat.context(query, hits, _sentences(kb, hits), index.embedder)
    return {"query": query, "sources": chat.answer(query, sources).to_json()["sources"]}


def process_chat(request: Mapping[str, Any], ctx: Context) -> dict[str, Any]:
    """Answer `message`, a turn of the session `session_id`.

    `context`, if there is one, is searched together with it. Without one, a follow-up
    is searched together with the question before it. The result says as what it was
    searched (`query`) and what a follow-up of it would be about (`subject`).
    """
    message, session_id = request["message"], request["session_id"]
    _begin(ctx, "search")
    kb = _kb()
    with _index(kb, ctx) as index:
        query = subject = chat.joined(request.get("context") or "", message)
        hits = _found(index, query, request)
        if not request.get("context") and chat.is_follow_up(message, index.embedder):
            before = sessions.subject_before(session_id, ctx.job_id)
            together = chat.joined(before or "", message)
            if before and (found := _found(index, together, request)):
                query, subject, hits = together, before, found
    _begin(ctx, "context")
    sources = chat.context(query, hits, _sentences(kb, hits), index.embedder)
    _begin(ctx, "answer")
    answer = chat.answer(message, sources).to_json()
    return answer | {"session_id": session_id, "query": query, "subject": subject}


def _begin(ctx: Context, phase: str) -> None:
    ctx.check_cancelled()
    # Forced: the phases take milliseconds, and each is to be seen.
    ctx.report(
        PHASES[phase],
        f"{phase.capitalize()}: started",
        force=True,
        phase=phase,
        status="running",
    )


def _kb() -> KnowledgeBase:
    return KnowledgeBase(settings().agent_kb_dir)


@contextmanager
def _index(kb: KnowledgeBase, ctx: Context) -> Iterator[Index]:
    """Give the index to be searched inside; a sentence model goes at the end."""
    model = sentence_model.find(settings().agent_sentence_model, ctx.check_cancelled)
    with model or nullcontext():
        yield Index.load(kb, model)


def _found(index: Index, query: str, request: Mapping[str, Any]) -> list[Hit]:
    return index.search(
        query,
        request.get("max_results", RESULTS),
        request.get("similarity_threshold", THRESHOLD),
    )


def _sentences(kb: KnowledgeBase, hits: Sequence[Hit]) -> dict[str, list[str]]:
    state = State(kb)
    notes = {hit.slug: state.last(f"items/{hit.slug}", "cache") for hit in hits}
    # An item whose note has gone since the index was made says nothing any more.
    return {slug: Note(**note).sentences for slug, note in notes.items() if note}
