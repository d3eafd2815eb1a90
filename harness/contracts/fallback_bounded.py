"""The law about how much an API does itself, and when it stops doing so."""

from collections.abc import Mapping

from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.job_view import TERMINAL, JobView, Run
from harness.observation import same_process
from harness.outages import Outage, outages
from harness.verdict import Verdict, holds, inconclusive, merge, violated

#: Ends that a job has of its own, whatever becomes of the API.
_OWN_ENDS = ("soft_time_limit", "hard_time_limit")


@contract(
    id="fallback.is-bounded",
    code="FALL-006",
    claim="Without a broker an API does a few jobs at a time, loses none of them when "
    "it is asked to leave, and leaves new ones to workers once the broker is back",
    user_sees="a site that crawls as soon as the queue is away, jobs that vanish with "
    "the next deployment, and a fallback that never ends",
    likely="each job is a task of the event loop that nobody counts or keeps, and what "
    "found the broker away never looks again",
    source="Python manual, asyncio.create_task: the loop keeps weak references only; "
    "cpython #117379",
    needs=("api", "worker", "job", "journal", "fallback"),
    bounds={
        "at_once": Bound(2.0, "jobs", "an API's machine serves requests, too"),
        "t_rec_s": Bound(
            90.0, "s", "from the API's leaving to a job's end; typical 12"
        ),
        "back_s": Bound(5.0, "s", "until the broker is used again; typical 0-1"),
    },
)
def is_bounded(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at the jobs that ran outside of workers: how many, how long, since when."""
    hurting = [outage for outage in outages(history) if outage.hurts_submits]
    local = [
        (job, run)
        for job in history.jobs
        for run in _runs(job)
        if not job.by_worker(run)
    ]
    if not local or not hurting:
        return inconclusive("No job ran outside of a worker, with the broker away.")
    return merge(
        [
            _few_at_once(local, bounds["at_once"]),
            _kept_when_asked_to_leave(history, bounds["t_rec_s"]),
            _ends_with_the_outage(history, hurting, bounds["back_s"]),
        ],
        nothing="",
    )


def _runs(job: JobView) -> list[Run]:
    return [run for run in job.runs if run.start.source == "journal"]


def _over_t(job: JobView, run: Run) -> float:
    """Return when it was over, as it told or as its process went."""
    gone = [o.t for o in job.sightings(run) if o.name == "probe.gone"]
    return min([*(end.t for end in run.ends), *gone], default=float("inf"))


def _few_at_once(local: list[tuple[JobView, Run]], most: float) -> Verdict:
    spans = [(run.start, _over_t(job, run)) for job, run in local]
    busiest: list[Observation] = []
    for start, _ in spans:
        now = [o for o, over_t in spans if o.t <= start.t < over_t]
        busiest = max(busiest, now, key=len)
    jobs = {job.id: job for job, _ in local}.values()
    wanted = max(
        (sum(_open_at(job, start.t) for job in jobs) for start, _ in spans), default=0
    )
    measured = {"at_once": float(len(busiest))}
    evidence = tuple(start.line for start in busiest)
    if len(busiest) > most:
        return violated(
            f"{len(busiest)} jobs ran at the same time outside of workers.",
            expected=f"at most {most:g} at once",
            observed=f"processes {', '.join(str(o.get('pid')) for o in busiest)} at "
            f"{busiest[-1].t:.2f} s",
            evidence=evidence,
            measured=measured,
        )
    if wanted <= most:
        return inconclusive(
            "Too few jobs to reach the limit of those that run at once.",
            expected=f"more than {most:g} jobs in flight while one runs",
            observed=f"{wanted} at most",
            evidence=evidence,
            measured=measured,
        )
    return holds(
        f"At most {len(busiest)} ran at once, of {wanted} that were there.",
        evidence=evidence,
        measured=measured,
    )


def _open_at(job: JobView, t: float) -> bool:
    ends = [run.end.t for run in _runs(job) if run.end is not None]
    sent = job.submitted
    return sent is not None and sent.t <= t < min(ends, default=float("inf"))


def _kept_when_asked_to_leave(history: History, t_rec_s: float) -> Verdict:
    asked = [
        fault
        for fault in history.of(source="fault", kind="injected")
        if fault.get("fault") == "terminate" and _role(fault).startswith("api")
    ]
    verdicts = []
    for fault in asked:
        jobs = [job for job in history.jobs if _open_at(job, fault.t)]
        if not any(run.start.t <= fault.t for job in jobs for run in _runs(job)):
            verdicts.append(
                inconclusive(
                    "No job ran when the API was asked to leave.",
                    expected="a job in its hands",
                    observed=f"{len(jobs)} jobs, none of them running",
                    evidence=(fault.line,),
                )
            )
        exits = history.of(source="stack", kind="exited")
        left = next((o for o in exits if same_process(o, fault["victim"])), fault)
        verdicts += [_kept(job, fault, left.t + t_rec_s) for job in jobs]
    return merge(verdicts, nothing="The API was not asked to leave.")


def _role(fault: Observation) -> str:
    return str((fault.get("victim") or {}).get("role"))


def _kept(job: JobView, fault: Observation, due_t: float) -> Verdict:
    runs = _runs(job)
    done = [run.end for run in runs if run.end is not None and run.succeeded]
    evidence = (fault.line, *(run.start.line for run in runs), *(e.line for e in done))
    if len(done) > 1:
        return violated(
            "A job was done twice when its API was asked to leave.",
            expected="done once",
            observed=f"done at {', '.join(f'{end.t:.2f} s' for end in done)}",
            evidence=evidence,
            job=job.id,
        )
    if done and done[0].t <= due_t:
        return holds(
            "Done, though the API that had it was asked to leave.",
            evidence=evidence,
            measured={"t_rec_s": max(0.0, done[0].t - fault.t)},
            job=job.id,
        )
    if any(run.how in _OWN_ENDS for run in runs):
        return inconclusive(
            "A job came to an end of its own when the API was asked to leave.",
            expected="a job that is done within its limits",
            observed=f"{runs[-1].how}, started at {runs[-1].start.t:.2f} s",
            evidence=evidence,
            job=job.id,
        )
    shown = [s for s in job.statuses if s.get("state") in TERMINAL and s.t > fault.t]
    late = bool(shown) or bool(done) or job.history.watched_until_s >= due_t
    return (violated if late else inconclusive)(
        "A job was lost with the API that was asked to leave."
        if late
        else "Watching stopped before the job could have been done.",
        expected=f"done before {due_t:.2f} s, by it or by the next",
        observed=f"{len(runs)} executions, not done in time; its user is told "
        + (
            f"{shown[-1].get('state')} {shown[-1].get('reason')}" if shown else "no end"
        ),
        evidence=(*evidence, *(s.line for s in shown[-1:])),
        job=job.id,
        timed=late and not shown,
        due_t=None if late else due_t,
    )


def _ends_with_the_outage(
    history: History, hurting: list[Outage], back_s: float
) -> Verdict:
    """Look at the jobs that were submitted after the last outage was over."""
    back_t = max(outage.end for outage in hurting)
    later = [
        (job, job.submitted, _runs(job)[0])
        for job in history.jobs
        if job.submitted and job.submitted.t > back_t and _runs(job)
    ]
    for job, sent, run in later:
        if sent.t >= back_t + back_s and not job.by_worker(run):
            return violated(
                "The broker is back, and the API still runs jobs itself.",
                expected=f"by a worker, from {back_s:g} s after {back_t:.2f} s on",
                observed=f"submitted at {sent.t:.2f} s, run by process {run.pid} of "
                "the API",
                evidence=(sent.line, run.start.line),
                job=job.id,
            )
    first = next(((j, s, r) for j, s, r in later if j.by_worker(r)), None)
    if first is None:
        return inconclusive(
            "No job was run by a worker after the broker was back.",
            expected=f"a job submitted later than {back_t:.2f} s, and executed",
            observed=f"{len(later)} jobs",
        )
    job, sent, run = first
    return holds(
        "After the broker was back a worker ran the next job.",
        evidence=(sent.line, run.start.line),
        job=job.id,
    )
