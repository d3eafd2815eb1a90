"""`python -m loadtests.overload`: more jobs than there is capacity for, and an audit.

Starts the reference application, sends it jobs faster than its worker can do them, and
then asks everybody what became of each: the client, the API, and the journal that the
jobs themselves have written.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import click
import httpx
from rich.console import Console
from rich.table import Table

from harness import ExitCode, History, Probes, Stack, wait_until
from loadtests import arrivals, plot, report
from loadtests.application import REFERENCE, running
from loadtests.timings import Job

ROOT = Path(__file__).parents[1]
KEPT_IN = ROOT / ".qp" / "load" / "overload"

#: The queue of rehearsals, and what one takes; two at once make 20 per second at best.
QUEUE, SECONDS, SLOTS = "llmctl_studio", 0.1, 2

#: Seconds for the backlog to drain: 60 jobs took 8 s on two busy cores.
DRAIN_S = 90
#: Seconds beyond all that a run can last, for locust to start and to report.
SPARE_S = 60
#: Seconds that the API may take to answer once nobody else asks.
ANSWER_S = 30


class Check(NamedTuple):
    """One thing that was promised, whether it was so, and what was counted."""

    promise: str
    met: bool
    counted: str


@click.command()
@click.option("--jobs", default=500, show_default=True, help="Jobs to send.")
@click.option(
    "--arrivals",
    "rate",
    default="30/s",
    show_default=True,
    help="Jobs at even distances, whoever is slow; capacity is below 20/s.",
)
@click.option(
    "--max-backlog",
    default=60,
    show_default=True,
    help="Jobs that may wait; the next one is refused.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, no tables.")
def main(jobs: int, rate: str, max_backlog: int, as_json: bool) -> None:
    """Overload the reference application for a while, and audit every job.

    \b
    What is promised, and checked:
      - no accepted job is lost, and each runs exactly once and has one ending;
      - what is above MAX_BACKLOG is refused: 429 with Retry-After, nothing else;
      - the backlog keeps to MAX_BACKLOG, and is gone in the end.

    \b
    Examples:
      python -m loadtests.overload                       about 40 s
      python -m loadtests.overload --jobs 200 --max-backlog 20
      python -m loadtests.overload --arrivals 45/s --json > overload.json

    The report of the load, what was checked, and a picture of the backlog over time
    are kept in .qp/load/overload/.

    Exit codes: 0 all promises were kept; 1 one was not; 3 nothing was refused, so this
    was no overload: give more --jobs or a smaller --max-backlog; 4 no load was sent.
    """  # noqa: D301 - click's mark for text that keeps its lines
    env = {
        "REHEARSALS": "true",
        "WORKER_QUEUES": QUEUE,
        "WORKER_CONCURRENCY": SLOTS,
        "MAX_BACKLOG": max_backlog,
    }
    try:
        per_s = arrivals.parse_rate(rate)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if jobs < 1 or max_backlog < 1 or per_s is None:
        raise click.UsageError("Give at least one job, and a rate such as 30/s.")
    lasts_s = arrivals.length_s(jobs, per_s, "steady")
    with running(REFERENCE, ["api", "worker"], env=env) as stack:
        if not as_json:
            print(f"Sending {jobs} jobs at {rate} for {lasts_s:.0f} s.")
        found = _send(stack, jobs, rate, within_s=lasts_s + DRAIN_S + SPARE_S)
        told = ask(stack, report.jobs_of(found))
    checks = judge(found, told, max_backlog)
    code = exit_code(checks, found["totals"]["refused"])
    record = {
        "jobs": jobs,
        "arrivals": rate,
        "max_backlog": max_backlog,
        "exit_code": int(code),
        "checks": [check._asdict() for check in checks],
        **{name: found[name] for name in ("totals", "peak_backlog", "durations")},
    }
    (KEPT_IN / "overload.json").write_text(json.dumps(record, indent=1) + "\n")
    plot.draw(found, KEPT_IN / "backlog.png", most=max_backlog)
    if as_json:
        print(json.dumps(record))
    else:
        report.show(found)
        Console(width=100).print(_table(checks))
        print(f"Kept in {KEPT_IN.relative_to(ROOT)}: report.json, backlog.png")
    sys.exit(code)


class Witnesses(NamedTuple):
    """What others than the client tell of the jobs, when all is over."""

    #: Job that the client knows to be accepted -> state and attempt, by the API.
    states: Mapping[str, tuple[str, int]]
    #: Job -> how often it began, by the journal.
    runs: Mapping[str, int]
    #: Jobs that have not ended, by the API; messages in the queue and unacknowledged.
    active: int
    messages: int


def ask(stack: Stack, jobs: Iterable[Job]) -> Witnesses:
    """Ask all who can know what became of these jobs."""
    accepted = [job for job in jobs if job.id]
    journal = stack.executions.lines("journal")
    probes = Probes(stack, History())
    try:
        depth = probes.queue(QUEUE)
    finally:
        probes.close()
    with httpx.Client(base_url=stack.urls.api, timeout=ANSWER_S) as client:
        return Witnesses(
            _states(client, accepted),
            Counter(str(line["job"]) for line in journal if line["what"] == "start"),
            len(client.get("/api/v1/jobs?active=true").json()),
            depth.length + depth.unacked,
        )


def judge(found: Mapping[str, Any], told: Witnesses, max_backlog: int) -> list[Check]:
    """Return what came of each promise."""
    totals = found["totals"]
    accepted = [job for job in report.jobs_of(found) if job.id]
    endings = [(job.outcome, job.endings) for job in accepted]
    # Submits at the same instant may all pass.
    at_most = max_backlog + found["submits_at_once"]
    return [
        Check(
            "every job was sent",
            totals["unsent"] == 0,
            f"{totals['sent']} of {totals['planned']}",
        ),
        Check(
            "no accepted job is lost",
            all(told.states[job.id] == ("completed", 1) for job in accepted),
            f"{len(accepted)} accepted: {_counted(told.states.values())}",
        ),
        Check(
            "each runs exactly once",
            told.runs == {job.id: 1 for job in accepted},
            f"{sum(told.runs.values())} runs of {len(told.runs)} jobs",
        ),
        Check(
            "each client sees one ending",
            all(ending == ("completed", 1) for ending in endings),
            f"{sum(count for _, count in endings)} endings",
        ),
        Check(
            "others get 429 with Retry-After",
            totals["rejected"] == 0,
            f"{totals['refused']} refused, {totals['rejected']} in another way",
        ),
        Check(
            "the backlog keeps its bound",
            found["peak_backlog"] <= at_most,
            f"{found['peak_backlog']} waited; {at_most} may, as {max_backlog} "
            f"+ {found['submits_at_once']} submits at once",
        ),
        Check(
            "the backlog drains",
            told.active == told.messages == 0,
            f"{told.active} jobs and {told.messages} messages left",
        ),
    ]


def exit_code(checks: Iterable[Check], refused: int) -> ExitCode:
    """Return what the command says; without a refusal there was no overload."""
    if not all(check.met for check in checks):
        return ExitCode.VIOLATED
    return ExitCode.HOLDS if refused else ExitCode.INCONCLUSIVE


def _send(stack: Stack, jobs: int, rate: str, *, within_s: float) -> dict[str, Any]:
    """Let locust send the load; return its report."""
    KEPT_IN.mkdir(parents=True, exist_ok=True)
    kept = KEPT_IN / "report.json"
    kept.unlink(missing_ok=True)
    options = {
        "host": stack.urls.api,
        "jobs": jobs,
        "arrivals": rate,
        "spacing": "even",
        "job-class": f"short@{SECONDS}",
        "drain-s": DRAIN_S,
        "report": kept,
    }
    with (KEPT_IN / "locust.log").open("w", encoding="utf-8") as log:
        locust = subprocess.Popen(
            [
                *(sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py"),
                *("--headless", "--only-summary"),
                *(f"--{name}={value}" for name, value in options.items()),
            ],
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
        try:
            wait_until(
                lambda: locust.poll() is not None,
                within_s=within_s,
                every_s=0.2,
                what="locust has sent the jobs and seen them end",
            )
        finally:
            locust.terminate()
            locust.wait()
    if not kept.exists():
        said = (KEPT_IN / "locust.log").read_text(encoding="utf-8")
        print(f"Locust gave no report:\n{said}", file=sys.stderr)
        wrong = locust.returncode == ExitCode.WRONG_USE  # it refused the load
        sys.exit(ExitCode.WRONG_USE if wrong else ExitCode.HARNESS_FAILED)
    found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    return found


def _states(client: httpx.Client, jobs: Iterable[Job]) -> dict[str, tuple[str, int]]:
    states = {}
    for job in jobs:
        answer = client.get(f"/api/v1/rehearsals/{job.id}")
        told = answer.json() if answer.status_code == 200 else {}
        state = told.get("state", f"HTTP {answer.status_code}")
        states[job.id] = (state, told.get("attempt", 0))
    return states


def _counted(states: Iterable[tuple[str, int]]) -> str:
    words = Counter(f"{state} at attempt {attempt}" for state, attempt in states)
    return ", ".join(f"{count} {word}" for word, count in words.most_common())


def _table(checks: Iterable[Check]) -> Table:
    table = Table("promise", "kept", "counted", title="audit")
    for promise, met, counted in checks:
        table.add_row(promise, "yes" if met else "NO", counted)
    return table


if __name__ == "__main__":
    main()
