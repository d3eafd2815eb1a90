"""Requests and answers of the machines' API; no torch, no numpy."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from reference_app.whole import Whole

#: Largest table that a worker handles within a few hundred megabytes.
MAX_ROWS = 200_000

Seed = Annotated[Whole, Field(ge=0, le=2**31 - 1)]
Rows = Annotated[Whole, Field(ge=1, le=MAX_ROWS)]

Range = Annotated[list[float], Field(min_length=2, max_length=2)]


class _Strict(BaseModel):
    # Without it `false` is taken as the number 0.
    model_config = ConfigDict(extra="forbid", strict=True)


class SeedRequest(_Strict):
    """Simulate this many readings; they replace the machine's earlier seed data."""

    samples: Whole = Field(8_000, ge=50, le=MAX_ROWS)
    seed: Seed = 0


class TrainRequest(_Strict):
    """Train on the machine's seed data.

    `runner` is `builtin` (in the worker) or `script` (in a process of its own).
    """

    epochs: Whole = Field(300, ge=1, le=10_000)
    seed: Seed = 0
    progress_every: Whole | None = Field(
        None, ge=1, le=10_000, description="epochs; default: GAN_PROGRESS_EPOCHS"
    )
    runner: Literal["builtin", "script"] = "builtin"


class GenerateRequest(_Strict):
    """Generate three files of different rows with the machine's model."""

    train_samples: Rows = 7_000
    val_samples: Rows = 1_500
    test_samples: Rows = 1_500
    seed: Seed = 0


class SubmittedResponse(BaseModel):
    """Answer to a submission: the job's id, and where its frames come."""

    success: bool = True
    machine_id: str
    task_id: str
    estimated_time_minutes: float
    websocket_url: str
    status_url: str
    message: str
    epochs: int | None = Field(None, description="of a training")
    retry_of: str | None = Field(None, description="the job that this one repeats")


class TaskStatusResponse(BaseModel):
    """Where a job stands; `progress` in percent, -1 when it failed."""

    task_id: str
    status: Literal["pending", "running", "success", "failure", "revoked"]
    state: str
    progress: int
    current: int | None = None
    total: int | None = None
    message: str
    result: dict[str, Any] | None = None
    error: str | None = None
    reason: str | None = None
    attempt: int
    metadata: dict[str, Any] = Field(default_factory=dict)


class CancelResponse(BaseModel):
    """What became of the wish to cancel."""

    task_id: str
    status: Literal["cancelled", "cancelling", "already_complete", "already_cancelled"]
    message: str


class MachineResponse(BaseModel):
    """A machine, and how far its model is."""

    machine_id: str
    name: str
    has_seed_data: bool
    has_model: bool
    ranges: dict[str, Range] = Field(description="lowest and highest reading")
