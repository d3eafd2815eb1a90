"""Requests and answers of the chat's API; no numpy, no scikit-learn."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from reference_app.agent.bounds import MAX_QUERY, MAX_RESULTS, RESULTS, THRESHOLD
from reference_app.agent.schemas import StartedResponse
from reference_app.jobs import State
from reference_app.whole import Whole

#: Something to read, and no NUL: PostgreSQL cannot look into JSON that holds one.
TEXT_PATTERN = r"^[^\x00]*[^\s\x00][^\x00]*$"

SESSION_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
SLUG_PATTERN = r"^[a-z0-9][a-z0-9-]{0,99}$"

#: Results of one search that a client can ask for.
MOST_RESULTS = 20

Text = Annotated[str, Field(max_length=MAX_QUERY, min_length=1, pattern=TEXT_PATTERN)]
Results = Annotated[Whole, Field(ge=1, le=MOST_RESULTS)]
Likeness = Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)]


class _Strict(BaseModel):
    # Without it `false` is taken as the number 0.
    model_config = ConfigDict(extra="forbid", strict=True)


class ChatRequest(_Strict):
    """Say something in a session; without an id a new one begins."""

    message: Text
    session_id: str | None = Field(None, pattern=SESSION_PATTERN)
    max_results: Results = RESULTS
    similarity_threshold: Likeness = THRESHOLD
    context: Text | None = Field(
        None, description="what the message is about; searched together with it"
    )


class SearchRequest(_Strict):
    """Find the items that say something about a question."""

    query: Text
    max_results: Results = RESULTS
    similarity_threshold: Likeness = THRESHOLD


class SearchResult(_Strict):
    """An item as a search returned it; only its slug counts."""

    slug: str = Field(pattern=SLUG_PATTERN)
    title: str | None = None
    category: str | None = None
    path: str | None = None
    score: Likeness | None = None


class ContextRequest(_Strict):
    """Find the sentences of some items that answer a question."""

    query: Text
    search_results: list[SearchResult] = Field(max_length=MAX_RESULTS)


class IndexRequest(_Strict):
    """Bring the index up to date with the items; there is nothing to choose."""


class ChatStartedResponse(StartedResponse):
    """Answer to a message: also, in which session it is."""

    session_id: str


class TurnResponse(BaseModel):
    """A message, and what became of it; without an answer while it waits."""

    task_id: str
    message: str
    state: State
    answer: str | None
    sources: list[dict[str, Any]]
    error: str | None
    created_at: float


class SessionResponse(BaseModel):
    """The latest turns of a session, the oldest of them first."""

    session_id: str
    turns: list[TurnResponse]
