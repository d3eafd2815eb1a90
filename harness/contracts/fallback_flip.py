"""The law about turning the flag of the migration while there is work."""

from collections.abc import Mapping

from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.job_view import TERMINAL, JobView, Run
from harness.verdict import Verdict, holds, inconclusive, merge, violated

#: Answers that ask to come again: no room, or no broker; with the flag they have
#: nothing to do.
_LATER = (429, 503)

#: Ends that a job has of its own, whatever becomes of the flag.
_OWN_ENDS = ("soft_time_limit", "hard_time_limit")


@contract(
    id="fallback.flag-flip-loses-nothing",
    code="FALL-005",
    claim="The flag is turned off and on with jobs waiting and running: both positions "
    "take jobs, and each job is done once",
    user_sees="jobs that vanish or run twice on the day of the migration, and a way "
    "back that is none",
    likely="whoever runs jobs asks the flag instead of the job's record; or the old "
    "path is gone, or stands still, in one of the positions",
    source="Reports of moves between task queues: the way of a job is recorded with "
    "it, for a flag that is asked twice gives two answers",
    needs=("api", "worker", "job", "journal", "flag"),
    bounds={
        "t_rec_s": Bound(90.0, "s", "from the last flip to a job's end; typical 12"),
    },
)
def flag_flip_loses_nothing(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Follow the jobs that were in flight at a flip, and those accepted after one."""
    flips = history.of(source="stack", kind="flip")
    if not flips:
        return inconclusive("The flag was not turned.")
    refused = _refused(history, flips[0])
    if refused is not None:
        return refused
    jobs = [job for job in history.jobs if _concerned(job, flips)]
    return merge(
        [
            *(_in_flight(history, flip) for flip in flips),
            _both_ways(flips),
            *(_kept(job, flips[-1], bounds["t_rec_s"]) for job in jobs),
        ],
        nothing="",
    )


def _refused(history: History, flip: Observation) -> Verdict | None:
    for answer in history.of(source="driver", kind="refused"):
        if answer.t >= flip.t and answer.get("code") not in _LATER:
            before = [
                o for o in history.of(source="stack", kind="flip") if o.t < answer.t
            ]
            return violated(
                f"With the flag {before[-1].get('to')} no job is accepted.",
                expected="a job is accepted in both positions",
                observed=f"code {answer.get('code')} at {answer.t:.2f} s: "
                f"{answer.get('body')}",
                evidence=(before[-1].line, answer.line),
            )
    return None


def _both_ways(flips: tuple[Observation, ...]) -> Verdict:
    turned = {flip.get("to") for flip in flips}
    if len(turned) < 2:
        return inconclusive(
            "The flag was turned one way only.",
            expected="off, and on again",
            observed=f"{', '.join(map(str, turned))}",
        )
    return holds("The flag was turned both ways.")


def _in_flight(history: History, flip: Observation) -> Verdict:
    """Look for something to lose: a job that runs, and one that waits."""
    jobs = [job for job in history.jobs if _open_at(job, flip.t)]
    running = [job for job in jobs if any(run.start.t <= flip.t for run in _runs(job))]
    if not running or len(running) == len(jobs):
        return inconclusive(
            "There was little to lose when the flag was turned.",
            expected="at least one job that runs and one that waits",
            observed=f"{len(running)} ran, {len(jobs) - len(running)} waited",
            evidence=(flip.line,),
        )
    return holds(
        f"Turned {flip.get('to')} with {len(jobs)} jobs in flight.",
        evidence=(flip.line,),
    )


def _concerned(job: JobView, flips: tuple[Observation, ...]) -> bool:
    if job.submitted is None or job.submitted.source != "driver":
        return False
    later = job.submitted.t >= flips[0].t
    return later or any(_open_at(job, flip.t) for flip in flips)


def _open_at(job: JobView, t: float) -> bool:
    if job.submitted is None or job.submitted.source != "driver":
        return False
    ends = [run.end.t for run in _runs(job) if run.end is not None]
    return job.submitted.t <= t < min(ends, default=t + 1)


def _runs(job: JobView) -> list[Run]:
    return [run for run in job.runs if run.start.source == "journal"]


def _kept(job: JobView, flip: Observation, t_rec_s: float) -> Verdict:
    runs = _runs(job)
    done = [run.end for run in runs if run.end is not None and run.succeeded]
    evidence = (flip.line, *(run.start.line for run in runs), *(e.line for e in done))
    again = [run for run in runs if done and run.start.t > done[0].t]
    if len(done) > 1 or again:
        return violated(
            "A job was executed twice when the flag was turned.",
            expected="done once, on either way",
            observed=", then ".join(
                f"from {run.start.t:.2f} s by "
                + ("a worker" if job.by_worker(run) else "the API's own process")
                for run in runs
            ),
            evidence=evidence,
            job=job.id,
        )
    assert job.submitted is not None
    deployed = job.history.of(source="stack", kind="flipped")
    flipped_t = max((o.t for o in deployed), default=flip.t)
    since_t = max(flip.t, flipped_t, job.submitted.t)
    due_t = since_t + t_rec_s
    shown = [s for s in job.statuses if s.get("state") in TERMINAL]
    in_time = bool(done) and done[0].t <= due_t
    if in_time and shown and shown[-1].get("state") == "completed":
        took_s = max(0.0, done[0].t - since_t)
        return holds(
            "Done once, and its user is told so.",
            evidence=(*evidence, shown[-1].line),
            measured={"t_rec_s": took_s},
            job=job.id,
        )
    if any(run.how in _OWN_ENDS for run in runs):
        return inconclusive(
            "A job came to an end of its own when the flag was turned.",
            expected="a job that is done within its limits",
            observed=f"{runs[-1].how}, started at {runs[-1].start.t:.2f} s",
            evidence=evidence,
            job=job.id,
        )
    told = str(shown[-1].get("state")) if shown else "no end"
    final = bool(shown) and told != "completed"
    too_late = bool(done) and not in_time
    late = final or too_late or job.history.watched_until_s >= due_t
    return (violated if late else inconclusive)(
        "A job was lost when the flag was turned."
        if late
        else "Watching stopped before the job could have been done.",
        expected=f"done before {due_t:.2f} s, and shown as completed",
        observed=f"{len(runs)} executions, {len(done)} done; its user is told {told}",
        evidence=(*evidence, *(s.line for s in shown[-1:])),
        job=job.id,
        timed=late and not final,
        due_t=None if late else due_t,
    )
