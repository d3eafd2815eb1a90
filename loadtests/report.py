"""What a run has shown: one JSON document, and the same as tables."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from loadtests import timings
from loadtests.timings import Job

#: Seconds that jobs may be sent late; typically 0.01, on two busy cores.
LATE_S = 0.1

#: Lines of the backlog's table.
ROWS = 12


def report(
    jobs: Sequence[Job],
    *,
    planned: int,
    options: Mapping[str, Any],
    watched: Mapping[str, int],
    senders: int,
) -> dict[str, Any]:
    """Return the report of a run; all of it can be computed again from its `jobs`."""
    jobs = sorted(jobs, key=lambda job: job.k)
    classes = sorted({job.job_class for job in jobs})
    return {
        "schema": 1,
        "options": dict(options),
        "senders": senders,
        "totals": timings.totals(jobs, planned),
        "failures": timings.failures(jobs),
        "durations": timings.summaries(jobs),
        "by_class": {
            each: timings.summaries(job for job in jobs if job.job_class == each)
            for each in classes
        },
        "peak_backlog": timings.peak_backlog(jobs),
        "submits_at_once": timings.submits_at_once(jobs),
        "watched": dict(watched),
        "curve": timings.curve(jobs),
        "jobs": [job.row() for job in jobs],
    }


def write(found: Mapping[str, Any], path: Path) -> None:
    """Write a report as JSON; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found) + "\n", encoding="utf-8")


def jobs_of(found: Mapping[str, Any]) -> list[Job]:
    """Return the jobs of a report."""
    return [Job(*row) for row in found["jobs"]]


def show(found: Mapping[str, Any], console: Console | None = None) -> None:
    """Print a report."""
    console = console or Console()
    console.print(_totals(found), _durations(found["durations"]))
    late_s = found["durations"]["late_s"].get("p99", 0.0)
    if late_s > LATE_S:
        console.print(
            f"The sender itself was late: one job in a hundred by {late_s:.2f} s. Give "
            "it a machine of its own, or more of locust's workers."
        )
    if found["failures"]:
        table = Table("failure", "jobs", title="failures by kind")
        for kind, count in found["failures"].items():
            table.add_row(kind, str(count))
        console.print(table)
    if found["curve"]:
        console.print(_backlog(found))


def _totals(found: Mapping[str, Any]) -> Table:
    table = Table(title="jobs", show_header=False)
    for name, count in (found["totals"] | found["watched"]).items():
        table.add_row(name.replace("_", " "), str(count))
    return table


def _durations(durations: Mapping[str, Mapping[str, float]]) -> Table:
    names = ("n", "mean", "p50", "p90", "p95", "p99", "most")
    table = Table("seconds", *names, title="durations")
    for name, found in durations.items():
        cells = ["" if each not in found else f"{found[each]:.3f}" for each in names]
        cells[0] = str(found["n"])
        table.add_row(name.removesuffix("_s").replace("_", " "), *cells)
    return table


def _backlog(found: Mapping[str, Any]) -> Table:
    curve = found["curve"]
    most = max(found["peak_backlog"], 1)
    title = f"backlog: {found['peak_backlog']} waited at most"
    table = Table("until s", "waiting", "", "ended/s", title=title)
    each = max(1, len(curve) // ROWS)
    for first in range(0, len(curve), each):
        some = curve[first : first + each]
        waiting = max(step["waiting"] for step in some)
        ended = sum(step["ended_per_s"] for step in some) / len(some)
        bar = "#" * round(30 * waiting / most)
        at_s = f"{some[-1]['t_s']:.1f}"
        table.add_row(at_s, str(waiting), bar, f"{ended:.1f}")
    return table
