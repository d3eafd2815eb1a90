"""The law about who uses the device first: a job, and nobody before it.

Which probe looked is told with what it saw. A card tells by NVML who holds how much of
it; where there is none, main memory is the device.
"""

import math
from collections.abc import Mapping

from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.job_view import JobView, Run
from harness.memory_view import CARD, Look, looks
from harness.observation import same_process
from harness.verdict import Verdict, holds, inconclusive, violated


@contract(
    id="memory.device-is-untouched-before-the-job",
    code="GPU-003",
    claim="Nothing of the device is used before a job needs it: the first job after a "
    "start works, and so does the first one in each fresh process",
    user_sees="after a deployment each job hangs, or fails with 'Cannot re-initialize "
    "CUDA in forked subprocess'; or a card that idle workers fill",
    likely="the worker's main process loads the model or warms it up, so that the "
    "first job need not; its children inherit a context that does not survive a fork",
    source="CUDA and fork, PyTorch's notes on multiprocessing; ApeRAG#331; measured: a "
    "tensor operation in the parent lets each child hang in its first one",
    needs=("api", "worker", "job"),
    bounds={
        "idle_mib": Bound(
            640.0, "MiB", "main memory before any job; imports of torch take 300-400"
        )
    },
)
def untouched_before_the_job(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at a worker from its start to the first job of its second process."""
    started = [
        o
        for o in history.of(source="stack", kind="started")
        if o.get("role") == "worker" and not o.get("kept")
    ]
    first = _first_runs(history, started[-1].t) if started else []
    until_t = min((run.start.t for _, run in first), default=math.inf)
    idle = [
        look
        for look in looks(history)
        if started
        and look.steady
        and started[-1].t <= look.began_t
        and look.t < until_t
    ]
    if not idle:
        return inconclusive(
            "Nobody looked at the worker between its start and its first job.",
            expected="a start of the worker, a look at its processes, and jobs",
            observed=f"{len(started)} starts, {len(looks(history))} looks, "
            f"{len(first)} processes with a job",
        )
    return _used_before(idle[-1], started[-1], bounds["idle_mib"]) or _all_work(
        first, idle[-1]
    )


def _first_runs(history: History, since_t: float) -> list[tuple[JobView, Run]]:
    """Return the first run of each process that began a job since then."""
    runs = [(job, run) for job in history.jobs for run in job.runs]
    found: list[tuple[JobView, Run]] = []
    for job, run in sorted(runs, key=lambda each: each[1].start.t):
        known = any(run.in_process_of(other) for _, other in found)
        if run.start.t >= since_t and not known:
            found.append((job, run))
    return found


def _used_before(look: Look, started: Observation, idle_mib: float) -> Verdict | None:
    """Return a violation where the device was used before any job, else None."""
    on_card = look.observation.get("by") == CARD
    main = [share for share in look.shares if same_process(share, started)]
    used_mib = sum(float(share["mib"]) for share in main) if on_card else look.mib
    limit_mib = 0.0 if on_card else idle_mib
    if used_mib <= limit_mib:
        return None
    return violated(
        f"The worker's main process holds {used_mib:.0f} MiB of the card."
        if on_card
        else f"Before any job the worker holds {used_mib:.0f} MiB.",
        expected=f"at most {limit_mib:.0f} MiB",
        observed=look.told,
        evidence=(started.line, look.observation.line),
        measured={"idle_mib": used_mib},
    )


def _all_work(first: list[tuple[JobView, Run]], look: Look) -> Verdict:
    expected = "the first job in each of two processes or more is done well"
    for job, run in first:
        if job.faults or job.cancels or not run.ends or run.succeeded:
            continue
        return violated(
            "The first job in a fresh process did not work.",
            expected=expected,
            observed=f"process {run.pid}: {run.ends[0].get('how')} at "
            f"{run.ends[0].t:.2f} s",
            evidence=(run.start.line, run.ends[0].line),
            job=job.id,
        )
    done = [run for _, run in first if run.succeeded]
    if len(done) < 2:
        return inconclusive(
            "Too few processes had a first job that came to its end.",
            expected=expected,
            observed=f"{len(done)} of {len(first)}",
            evidence=tuple(run.start.line for _, run in first),
        )
    return holds(
        f"Untouched before, and {len(done)} processes did their first job.",
        expected=expected,
        observed=look.told,
        evidence=(look.observation.line, *(run.start.line for run in done)),
        measured={"idle_mib": look.mib},
    )
