"""The law about what is no reason to do without the broker."""

from collections.abc import Iterator, Mapping, Sequence

from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.outage_view import submissions, told, took_s, while_away
from harness.verdict import Verdict, holds, inconclusive, merge, violated

#: Faults by which the broker answers, at once, that this cannot be done.
NO_OUTAGE = ("key_taken",)


@contract(
    id="fallback.only-when-unreachable",
    code="FALL-004",
    claim="Only a broker that cannot be reached makes a submit do without it: wrong "
    "arguments and errors of other kinds are answered as such, and nothing runs",
    user_sees="a job that was accepted with arguments that nobody can work with, or a "
    "fallback that hides a bug for months and does the work on the wrong machine",
    likely="`except Exception` around the publish; or what is wrong with a request is "
    "noticed only after it was published",
    source="measured: kombu's EncodeError is a plain Exception; celery#2855",
    needs=("api", "job", "journal", "fallback"),
    bounds={"quiet_s": Bound(1.0, "s", "watching after a later job began")},
)
def only_when_unreachable(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at wrong submits, at those that met an error, and at what began."""
    wrong = [o for o in submissions(history) if o.get("wrong")]
    broken = list(_broken(history))
    away = {one.answer.line for one in while_away(history)}
    missing = [
        what
        for what, found in (
            ("wrong arguments", [o for o in wrong if o.line not in away]),
            ("wrong arguments without a broker", [o for o in wrong if o.line in away]),
            ("an error that is no outage", broken),
        )
        if not found
    ]
    verdicts = [_answered(o, range(400, 500)) for o in wrong]
    verdicts += [_answered(o, range(400, 600)) for o in broken]
    if missing:
        verdicts.append(
            inconclusive(
                f"Nobody submitted with {', '.join(missing)}.",
                expected="wrong arguments with and without a broker, and another error",
                observed=f"{len(wrong)} wrong submits, {len(broken)} that met an error",
            )
        )
    if wrong or broken:  # what began of those that were sent counts in any case
        verdicts.append(_nothing_ran(history, [*wrong, *broken], bounds["quiet_s"]))
    return merge(verdicts, nothing="")


def _broken(history: History) -> Iterator[Observation]:
    """Yield the submits that were sent while the broker answered with an error."""
    faults = [
        f
        for f in history.of(source="fault", kind="injected")
        if f.get("bit") and f.get("fault") in NO_OUTAGE
    ]
    healed = [
        f.t
        for f in history.of(source="fault", kind="healed")
        if f.get("fault") in NO_OUTAGE
    ]
    for answer in submissions(history):
        sent_t = answer.t - took_s(answer)
        if sum(f.t <= sent_t for f in faults) > sum(t <= sent_t for t in healed):
            yield answer


def _answered(answer: Observation, codes: range) -> Verdict:
    said = f" ({answer.get('wrong')})" if answer.get("wrong") else ""
    if answer.name == "driver.refused" and answer.get("code") in codes:
        return holds(
            f"Answered {answer['code']}{said}, and nothing began.",
            evidence=(answer.line,),
        )
    return violated(
        f"A submit with wrong arguments was not answered as such{said}."
        if said
        else "A submit that met an error was not answered as such.",
        expected=f"a status from {codes.start} to {codes.stop - 1}",
        observed=told(answer),
        evidence=(answer.line,),
        job=answer.job,
    )


def _nothing_ran(
    history: History, bad: Sequence[Observation], quiet_s: float
) -> Verdict:
    """Look at what began, until a later job did, whose turn came after theirs."""
    known = {job.id for job in history.jobs}
    last = max(bad, key=lambda o: o.t)
    starts = history.of(source="journal", kind="start")
    stray = next((o for o in starts if o.job not in known and o.t >= bad[0].t), None)
    if stray is not None:
        return violated(
            "A job began that nobody was told of.",
            expected="nothing begins of a submit that was answered with an error",
            observed=f"job {stray.job} began at {stray.t:.2f} s",
            evidence=(bad[0].line, stray.line),
            job=stray.job,
        )
    later = [
        start
        for job in history.jobs
        if job.submitted is not None and job.submitted.t > last.t
        for start in job.named("journal.start")
    ]
    if not later:
        return inconclusive(
            "No later job began, so what waits before it may still begin.",
            expected="a job that is submitted later, and begins",
            observed=f"none until {history.watched_until_s:.2f} s",
            evidence=(last.line,),
        )
    due_t = min(start.t for start in later) + quiet_s
    if history.watched_until_s < due_t:
        return inconclusive(
            "Watching stopped soon after a later job had begun.",
            expected=f"nothing else begins until {due_t:.2f} s",
            observed=f"watched until {history.watched_until_s:.2f} s",
            evidence=(last.line,),
            due_t=due_t,
        )
    return holds("Nothing began of a submit that was answered with an error.")
