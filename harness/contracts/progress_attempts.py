"""The law about a job that is executed, or delivered, more than once."""

from collections import Counter
from collections.abc import Mapping

from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.job_view import JobView, Run, SubscriberView
from harness.observation import same_process
from harness.verdict import Verdict, holds, inconclusive, merge, violated


@contract(
    id="progress.attempts-are-told-apart",
    code="PROG-009",
    claim="Each execution of a job has a number, its events carry it, and once a newer "
    "one is seen nothing of an older one is",
    user_sees="a bar that falls to zero for no reason, or jumps to and fro between two "
    "executions of one job",
    likely="events carry no attempt, or one that a redelivery does not change; or a "
    "process that was given up goes on telling",
    source="measured on 5.7: a redelivered message has the same id and the same count "
    "of retries; a process that was frozen knows nothing of its successor",
    needs=("api", "socket", "job"),
    bounds={
        "begins_s": Bound(5.0, "s", "from a delivery to what it runs; typical 0.1")
    },
)
def attempts_are_told_apart(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Compare the executions of each job with the attempts that its events name."""
    return merge(
        (
            _told_apart(job, bounds["begins_s"])
            for job in history.jobs
            if len(job.runs) > 1 or len(_deliveries(job)) > 1
        ),
        nothing="No job was executed, or delivered, more than once.",
    )


def _deliveries(job: JobView) -> list[Observation]:
    return [o for o in job.named("ledger.start") if o.get("role") != "parent"]


def _may_begin(job: JobView, delivery: Observation) -> bool:
    """Return whether a delivery has neither run anything yet nor ended."""
    began = [run.start for run in job.runs]
    later = [*began, *job.named("ledger.end")]
    return not any(o.t >= delivery.t and same_process(o, delivery) for o in later)


def _told_apart(job: JobView, begins_s: float) -> Verdict:
    numbers = [_number(run, place) for place, run in enumerate(job.runs, start=1)]
    by_number = list(zip(job.runs, numbers, strict=True))
    told = [e for s in job.subscribers for e in s.known]
    for number, count in Counter(numbers).items():
        if count > 1:
            runs = [run for run, mine in by_number if mine == number]
            return violated(
                f"{count} executions are the same attempt.",
                expected="a number of its own for each execution",
                observed=", ".join(
                    f"attempt {number} from {run.start.t:.2f} s" for run in runs
                ),
                evidence=tuple(run.start.line for run in runs),
                job=job.id,
            )
    for delivery in _deliveries(job):
        due_t = delivery.t + begins_s
        if _may_begin(job, delivery) and job.history.watched_until_s < due_t:
            return inconclusive(
                "Watching stopped before a delivery was over.",
                expected="its end, or what it runs",
                observed=f"neither, {job.history.watched_until_s - delivery.t:.2f} s "
                "after it began",
                evidence=(delivery.line,),
                job=job.id,
                due_t=due_t,
            )
    if not any(e["event"] == "progress" for e in told):
        return inconclusive("Nobody saw progress of a job with several.", job=job.id)
    for event in told:
        number = event.get("attempt")
        if number is None or (event["event"] == "progress" and number not in numbers):
            what = "no attempt" if number is None else f"attempt {number}"
            return violated(
                f"An event names {what}.",
                expected=f"one of {', '.join(map(str, numbers))}; `attempt` among the "
                "target's socket.fields, where it is called differently",
                observed=f"{event['event']} at {event.t:.2f} s",
                evidence=(event.line,),
                job=job.id,
            )
    verdicts = [_of_one(job, run, number) for run, number in by_number]
    return merge([*verdicts, *(_forward(job, s) for s in job.subscribers)], nothing="")


def _number(run: Run, place: int) -> int:
    """Return the attempt as the journal counts it, else its place among them."""
    return int(run.start.get("attempt") or place)


def _of_one(job: JobView, run: Run, number: int) -> Verdict:
    """Look for the progress of one execution, under its number or another one."""
    progress = [e for s in job.early for e in s.known if e["event"] == "progress"]
    mine = [e for e in progress if e.get("attempt") == number]
    if mine:
        return holds(
            f"{len(mine)} events of attempt {number}.", evidence=(mine[0].line,)
        )
    others = [other for other in job.runs if other is not run]
    for event in progress:
        alone = not any(_is_open(other, event.t) for other in others)
        if _is_open(run, event.t) and alone:
            return violated(
                f"An event of attempt {number} says that it is of another.",
                expected=f"attempt {number}, which runs from {run.start.t:.2f} s",
                observed=f"attempt {event.get('attempt')} at {event.t:.2f} s",
                evidence=(run.start.line, event.line),
                job=job.id,
            )
    return inconclusive(
        f"No progress of attempt {number} was seen.",
        expected="an event of each execution",
        observed=f"none under its number from {run.start.t:.2f} s",
        evidence=(run.start.line,),
        job=job.id,
    )


def _is_open(run: Run, t: float) -> bool:
    ended = [o.t for o in (*run.ends, run.killed) if o is not None]
    return run.start.t < t < min(ended, default=float("inf"))


def _forward(job: JobView, page: SubscriberView) -> Verdict:
    """Look for an event of an attempt after one of a newer attempt."""
    seen = {event["attempt"] for event in page.known}
    newest: Observation | None = None
    for event in page.known:
        if newest is not None and event["attempt"] < newest["attempt"]:
            return violated(
                f"{page.name} heard of attempt {event['attempt']} after "
                f"{newest['attempt']}.",
                expected=f"nothing of an older one after attempt {newest['attempt']}",
                observed=f"{event['event']} of attempt {event['attempt']} at "
                f"{event.t:.2f} s; attempt {newest['attempt']} came at "
                f"{newest.t:.2f} s",
                evidence=(newest.line, event.line),
                job=job.id,
            )
        if newest is None or event["attempt"] > newest["attempt"]:
            newest = event
    return holds(f"{page.name} heard of {len(seen)} attempts, in order.", job=job.id)
