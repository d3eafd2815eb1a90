"""Requests and answers of the agent's API; no numpy, no scikit-learn."""

from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from reference_app.agent.phases import Preferences
from reference_app.jobs import State

#: Bookmarks that one task may be given.
MAX_IDS = 10_000


class _Strict(BaseModel):
    # Without it `1` is taken as true.
    model_config = ConfigDict(extra="forbid", strict=True)


#: As phases.Preferences, each false unless it is said.
PreferencesRequest: Any = create_model(
    "Preferences",
    __base__=_Strict,
    **{each.name: (bool, False) for each in fields(Preferences)},
)


class StartRequest(_Strict):
    """Run the agent; `preferences` say which phases not, and what anew."""

    preferences: PreferencesRequest = Field(default_factory=PreferencesRequest)


class TaskRequest(StartRequest):
    """Run a part of the agent; the ids and the step are for process_tweets only."""

    tweet_ids: Annotated[list[str], Field(min_length=1, max_length=MAX_IDS)] | None = (
        Field(None, description="ids of bookmarks; default: all")
    )
    phase: Literal["cache", "media", "llm", "kb_item"] | None = Field(
        None, description="the only step; default: all, in their order"
    )


class StopRequest(_Strict):
    """Stop a task; without an id the run that goes on, or else waits longest."""

    task_id: str | None = None


class StartedResponse(BaseModel):
    """Answer to a submission: the id, and where its events come."""

    success: bool = True
    task_id: str
    status: Literal["queued"] = "queued"
    websocket_channel: str = Field(description="agent:progress, agent:completed, ...")
    websocket_room: str = Field(
        description="phase_update, log, agent_status_update: the words of old"
    )
    status_url: str


class StoppedResponse(BaseModel):
    """What became of the wish."""

    task_id: str
    status: Literal["cancelled", "cancelling", "already_complete", "already_cancelled"]
    message: str


class StatusResponse(BaseModel):
    """Where a task stands; `progress` in percent, -1 when it failed; moments in s."""

    task_id: str
    task: str
    state: State
    is_running: bool
    progress: int
    phase: str | None
    message: str
    result: dict[str, Any] | None
    error: str | None
    reason: str | None
    attempt: int
    created_at: float
    started_at: float | None
    ended_at: float | None
    logs: list[dict[str, Any]] = Field(description="latest lines, oldest first")


class StateResponse(BaseModel):
    """Whether a run goes on, which, and how many wait."""

    is_running: bool
    current_task_id: str | None
    task_queue_size: int
