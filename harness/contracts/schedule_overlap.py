"""The law about work that takes longer than its period, or waited for many of them."""

from collections.abc import Iterator, Mapping

from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.schedule_view import (
    Entry,
    bitten,
    crowded,
    end_of,
    entries,
    healing,
)
from harness.verdict import Verdict, holds, inconclusive, merge, violated

#: Periods that a worker is away at least, so that runs pile up.
AWAY = 3

#: Seconds at the end of a run in which the next may begin: it begins before it asks,
#: and a run ends after it let go. Typical 0.1.
EDGE_S = 0.5


@contract(
    id="schedule.no-overlap",
    code="BEAT-004",
    claim="An entry of the schedule runs once at a time, and what waited for too long "
    "does not run",
    user_sees="two clean-ups that get in each other's way; after an hour without a "
    "worker, an hour of clean-ups in a row, and everything else behind them",
    likely="a schedule without `expires`; and no lock, or one whose time to live is "
    "shorter than the work",
    source="courtlistener#6038 (20,000 runs were waiting); Celery manual, periodic "
    "tasks: the schedule does not look whether the last run is over",
    needs=("app", "worker", "beat"),
    bounds={
        "tolerance_s": Bound(
            1.0, "s", "early or late, at most half a period; typical 0.02"
        ),
        "catch_up_runs": Bound(1.0, "runs", "for all that were missed: the newest"),
    },
)
def no_overlap(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at runs longer than a period, and at those after the workers were away."""
    verdicts = [
        *_long_runs(history, bounds),
        *_after_absences(history, bounds),
    ]
    return merge(
        verdicts,
        nothing="No run took longer than its period while a second worker was there, "
        f"and no worker was away for {AWAY} periods.",
    )


def _long_runs(history: History, bounds: Mapping[str, float]) -> Iterator[Verdict]:
    helpers = bitten(history, "worker", "replica")
    for entry in entries(history):
        tolerance_s = entry.tolerance_s(bounds)
        for start in entry.starts:
            end = end_of(history, start)
            if end is None or end.t - start.t <= entry.every_s:
                continue
            last_t = end.t - EDGE_S
            beside = [o for o in entry.starts if start.t < o.t < last_t]
            took_s = end.t - start.t
            long = took_s > entry.every_s + tolerance_s  # the next was due meanwhile
            if beside:
                yield violated(
                    f"{entry.name} ran while its last run was not over.",
                    expected=f"no start from {start.t:.2f} to {end.t:.2f} s",
                    observed=f"a start at {beside[0].t:.2f} s, pid "
                    f"{beside[0].get('pid')} beside pid {start.get('pid')}",
                    evidence=(start.line, beside[0].line, end.line),
                )
            elif long and any(helper.t <= start.t for helper in helpers):
                yield holds(
                    f"{entry.name} took {took_s:.2f} s, every {entry.every_s:g} s, "
                    "and did not run beside itself.",
                    evidence=(start.line, end.line),
                )


def _after_absences(history: History, bounds: Mapping[str, float]) -> Iterator[Verdict]:
    for pause in bitten(history, "worker", "pause"):
        back = healing(history, pause)
        for entry in entries(history):
            if back is not None and back.t - pause.t >= AWAY * entry.every_s:
                yield _after(history, back, entry, bounds)


def _after(
    history: History, back: Observation, entry: Entry, bounds: Mapping[str, float]
) -> Verdict:
    tolerance_s = entry.tolerance_s(bounds)
    until_s = history.watched_until_s
    runs = entry.between(back.t, until_s)
    bad = crowded(entry, runs, tolerance_s, int(bounds["catch_up_runs"]))
    if bad is not None:
        return bad
    evidence = (back.line, *(o.line for o in runs))
    due_t = back.t + entry.every_s
    if not runs or until_s < due_t:
        return inconclusive(
            f"{entry.name} was not watched for a period after its worker was back.",
            expected=f"its runs until {due_t:.2f} s",
            observed=f"{len(runs)} runs until {until_s:.2f} s",
            evidence=evidence,
            due_t=due_t if until_s < due_t else None,
        )
    return holds(
        f"{entry.name} ran {len(runs)} times in the {until_s - back.t:.1f} s after its "
        "worker was back.",
        evidence=evidence,
    )
