"""HTTP routes of the machines: seed data, training, generation, and their jobs.

A request is checked completely before anything is recorded: an unknown machine is 404,
a machine that is not ready 400, a wrong field 422. Status words are those of the GAN
report; `state` is ours.
"""

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path

from reference_app import (
    answers,
    cancellation,
    endings,
    events,
    frames,
    lookup,
    submission,
)
from reference_app.job_task import JobTask
from reference_app.jobs import Job, State
from reference_app.settings import settings
from reference_app.submission import IdempotencyKey
from reference_app.tvae import machines, places, tasks
from reference_app.tvae.errors import ProfileError, UnknownMachine
from reference_app.tvae.machines import ID_PATTERN, Machine
from reference_app.tvae.schemas import (
    CancelResponse,
    GenerateRequest,
    MachineResponse,
    SeedRequest,
    SubmittedResponse,
    TaskStatusResponse,
    TrainRequest,
)

router = APIRouter(tags=["gan"])

#: Of every route that submits.
SUBMITS: dict[str, Any] = {"status_code": 202, "responses": answers.SUBMIT}

MachineId = Annotated[str, Path(pattern=ID_PATTERN)]

#: Our states in the words of the GAN report.
WORDS = {
    State.PENDING: "pending",
    State.STARTED: "running",
    State.COMPLETED: "success",
    State.FAILED: "failure",
    State.CANCELLED: "revoked",
}

#: For the estimates: seconds per epoch and row (8,000 rows take 0.17 s on one core),
#: and seconds that every training takes besides.
EPOCH_ROW_S, BESIDES_S = 2.2e-5, 5.0
#: Bytes of a row of seed data, about.
ROW_BYTES = 38


@router.get("/machines", responses=answers.UNUSABLE)
def list_machines() -> list[MachineResponse]:
    """List the machines, and how far their models are."""
    try:
        return [_described(machine) for machine in machines.known()]
    except ProfileError as error:
        raise HTTPException(400, str(error)) from None


@router.get("/machines/{machine_id}", responses={**answers.UNUSABLE, **answers.UNKNOWN})
def machine(machine_id: MachineId) -> MachineResponse:
    """Describe one machine."""
    return _described(_known_machine(machine_id))


@router.post("/machines/{machine_id}/seed", **SUBMITS)
def seed(
    machine_id: MachineId, request: SeedRequest, key: IdempotencyKey = None
) -> SubmittedResponse:
    """Simulate telemetry for the machine."""
    _known_machine(machine_id)
    wanted = {"machine_id": machine_id, **request.model_dump()}
    return _submit(tasks.generate_seed_data, wanted, key)


@router.post("/machines/{machine_id}/train", **SUBMITS)
def train(
    machine_id: MachineId, request: TrainRequest, key: IdempotencyKey = None
) -> SubmittedResponse:
    """Train the machine's model on its seed data."""
    _known_machine(machine_id)
    if not places.of(machine_id).seed.exists():
        raise HTTPException(
            400,
            f"{machine_id} has no seed data. POST /api/gan/machines/{machine_id}/seed",
        )
    every = request.progress_every or settings().gan_progress_epochs
    wanted = {
        "machine_id": machine_id,
        "epochs": request.epochs,
        "seed": request.seed,
        "progress_every": every,
    }
    scripted = request.runner == "script"
    return _submit(tasks.train_by_script if scripted else tasks.train_tvae, wanted, key)


@router.post("/machines/{machine_id}/generate", **SUBMITS)
def generate(
    machine_id: MachineId, request: GenerateRequest, key: IdempotencyKey = None
) -> SubmittedResponse:
    """Generate train, validation and test files with the machine's model."""
    _known_machine(machine_id)
    if not places.of(machine_id).has_model:
        raise HTTPException(
            400,
            f"{machine_id} has no model. POST /api/gan/machines/{machine_id}/train",
        )
    wanted = {"machine_id": machine_id, **request.model_dump()}
    return _submit(tasks.generate_data, wanted, key)


@router.get("/tasks/{task_id}", responses=answers.FETCH)
def status(task_id: str) -> TaskStatusResponse:
    """Tell where a job stands, with its result once it is completed."""
    _known(task_id)
    job = lookup.readable(task_id)
    nothing = {"percent": 0, "message": "", "data": {}}
    event = events.latest(endings.client(), endings.store(), job) or nothing
    data = dict(event["data"])
    progress, message = lookup.standing(job, event)
    for name in ("result", "error", "reason"):
        data.pop(name, None)  # the row says them
    metadata = {"machine_id": job.request["machine_id"], **data}
    if job.ended:
        metadata["stage"] = str(job.state)
    return TaskStatusResponse(
        task_id=job.id,
        status=WORDS[job.state],
        state=str(job.state),
        progress=progress,
        current=data.get("current"),
        total=data.get("total"),
        message=message,
        result=job.result,
        error=job.error,
        reason=job.reason,
        attempt=job.attempt,
        metadata=metadata,
    )


@router.delete("/tasks/{task_id}", responses=answers.UNKNOWN)
def cancel(task_id: str) -> CancelResponse:
    """Cancel a job: at once while it waits, within seconds while it runs."""
    word = cancellation.ask(_known(task_id).id)
    return CancelResponse(
        task_id=task_id, status=word, message=cancellation.MESSAGES[word]
    )


@router.post(
    "/tasks/{task_id}/retry",
    status_code=202,
    responses={**answers.SUBMIT, 409: answers.refusal("It has not failed")},
)
def retry(task_id: str, key: IdempotencyKey = None) -> SubmittedResponse:
    """Submit a failed or cancelled job again; a training goes on where it stopped."""
    job = _known(task_id)
    if job.state not in (State.FAILED, State.CANCELLED):
        raise HTTPException(
            409,
            f"Task {task_id} is {job.state}; a failed or cancelled one can be retried.",
        )
    again = {**job.request, "retry_of": job.id}
    return _submit(tasks.BY_NAME[job.kind], again, key)


def _submit(
    task: JobTask, request: dict[str, Any], key: str | None
) -> SubmittedResponse:
    limits = settings().gan_soft_time_limit, settings().gan_hard_time_limit
    task_id = submission.submit(task, request, limits, key=key)
    machine_id, epochs = request["machine_id"], request.get("epochs")
    return SubmittedResponse(
        machine_id=machine_id,
        task_id=task_id,
        epochs=epochs,
        estimated_time_minutes=round(_estimate_s(machine_id, epochs) / 60, 2),
        websocket_url=f"/ws/gan/training/{task_id}",
        status_url=f"/api/gan/tasks/{task_id}",
        message=f"{task.name} was submitted for {machine_id} (Task ID: {task_id})",
        retry_of=request.get("retry_of"),
    )


def _estimate_s(machine_id: str, epochs: int | None) -> float:
    path = places.of(machine_id).seed
    rows = path.stat().st_size / ROW_BYTES if epochs and path.exists() else 0
    return BESIDES_S + EPOCH_ROW_S * rows * (epochs or 0)


def _described(machine: Machine) -> MachineResponse:
    place = places.of(machine.machine_id)
    return MachineResponse(
        machine_id=machine.machine_id,
        name=machine.name,
        has_seed_data=place.seed.exists(),
        has_model=place.has_model,
        ranges={name: list(ends) for name, ends in machine.ranges.items()},
    )


def _known_machine(machine_id: str) -> Machine:
    try:
        return machines.find(machine_id)
    except UnknownMachine as error:
        raise HTTPException(404, str(error)) from None
    except ProfileError as error:
        raise HTTPException(400, str(error)) from None


def _known(task_id: str) -> Job:
    job = endings.store().get(task_id)
    if job is None or not frames.has(job.kind):
        raise HTTPException(404, f"There is no task {task_id!r}.")
    return job
