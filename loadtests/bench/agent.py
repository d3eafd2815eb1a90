"""The agent with 100, 250 and 500 notes: seconds of each phase, memory.

Each run begins with an empty knowledge base, on one worker that serves nothing else and
has run the agent once before: what it imports is not measured. The moments are those of
the run's events; a step of the content phase counts for itself and in the phase. Times
are medians of some rounds, since a disk is not always equally fast. Memory is that of
the first round, in which no run follows a larger one.
"""

import json
import shutil
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import redis

from harness import History, Probes, Stack, wait_until
from loadtests.application import REFERENCE, running
from loadtests.bench import note_copies

NAME = "agent"
SIZES = (100, 250, 500)
#: Every other one is run from the most notes to the fewest.
ROUNDS = 3

#: Times a note may take longer among the most notes than among the fewest.
TARGET = 1.3
#: Times the worker may hold more.
MEMORY_TARGET = 1.5

#: Seconds a run may take on a busy machine; typically 20.
WITHIN_S = 180.0
#: Seconds between two looks at the worker's memory; each takes some 20 ms.
EVERY_S = 0.1

NOTES = Path(__file__).parents[2] / "reference_app" / "agent" / "notes"
OVER = ("completed", "failed", "cancelled")


@dataclass(frozen=True)
class Run:
    """One run: how many notes, seconds in all and of each part, memory at most."""

    notes: int
    whole_s: float
    parts_s: dict[str, float]
    peak_mib: float


def run() -> dict[str, Any]:
    """Return the record; `PART_s` are seconds for each of `notes`.

    Raises:
        RuntimeError: a run failed, or events of it are missing.
        TooSlow: a run took over WITHIN_S.
    """
    with tempfile.TemporaryDirectory(prefix="queueproof-bench-") as folder:
        notes = Path(folder) / "notes"
        env = {
            "AGENT_SOURCE": notes,
            "AGENT_SOFT_TIME_LIMIT": WITHIN_S,
            "AGENT_HARD_TIME_LIMIT": WITHIN_S + 1,
            "LEASE_SECONDS": 30,
            "WORKER_QUEUES": "agent",
        }
        with running(REFERENCE, ("api", "worker"), env=env) as stack:
            probes = Probes(stack, History())
            _measured(stack, probes, notes, 10)
            at_rest_mib = probes.memory("worker")
            runs = [
                _measured(stack, probes, notes, size)
                for number in range(ROUNDS)
                for size in SIZES[:: -1 if number % 2 else 1]
            ]
            probes.close()
    return {**judged(runs), "at_rest_mib": round(at_rest_mib, 1)}


def judged(runs: Sequence[Run]) -> dict[str, Any]:
    """Return the record of runs, those of the first round first."""
    sizes = sorted({each.notes for each in runs})
    few, *_, many = typical = [_typical(runs, size) for size in sizes]
    times = few.notes / many.notes
    value = many.whole_s / few.whole_s * times
    memory = many.peak_mib / few.peak_mib
    return {
        "name": NAME,
        "what": f"the agent's seconds per note with {many.notes} notes against "
        f"{few.notes}",
        "value": value,
        "unit": "times as long",
        "target": TARGET,
        "passed": value <= TARGET and memory <= MEMORY_TARGET,
        "memory_ratio": memory,
        "memory_target": MEMORY_TARGET,
        "notes": [each.notes for each in typical],
        "whole_s": [round(each.whole_s, 3) for each in typical],
        **{
            f"{part}_s": [round(each.parts_s[part], 3) for each in typical]
            for part in few.parts_s
        },
        "rounds_s": [round(each.whole_s, 2) for each in runs],
        "peak_mib": [round(each.peak_mib, 1) for each in typical],
        "ratios": {
            part: round(many.parts_s[part] / seconds * times, 2)
            for part, seconds in few.parts_s.items()
        },
    }


def _typical(runs: Sequence[Run], notes: int) -> Run:
    """Return the medians of the runs with so many notes, the first one's memory."""
    mine = [each for each in runs if each.notes == notes]
    return Run(
        notes,
        statistics.median(each.whole_s for each in mine),
        {
            part: statistics.median(each.parts_s[part] for each in mine)
            for part in mine[0].parts_s
        },
        mine[0].peak_mib,
    )


def parts(events: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the seconds of each phase and step, by the events of a run.

    Raises:
        RuntimeError: there is none of a begin, or of an end.
    """
    began: dict[str, datetime] = {}
    ended: dict[str, datetime] = {}
    for event in events:
        told, moment = event["data"], datetime.fromisoformat(event["timestamp"])
        if told.get("status") == "running":
            began.setdefault(told["step"], moment)
        elif told.get("status") == "completed":
            ended[told["step"]] = moment
    if began.keys() != ended.keys():
        raise RuntimeError(f"Not both of {sorted(began.keys() ^ ended.keys())} came.")
    return {part: (ended[part] - began[part]).total_seconds() for part in began}


def _measured(stack: Stack, probes: Probes, notes: Path, count: int) -> Run:
    """Run the agent on so many notes, with nothing there before."""
    for left in (notes, stack.layout.data / "knowledge-base"):
        shutil.rmtree(left, ignore_errors=True)
    note_copies.write(notes, NOTES, count)
    peak_mib = 0.0
    with httpx.Client(base_url=f"{stack.urls.api}/api/v2/agent", timeout=15) as http:
        started = http.post("/start", json={"preferences": {}})
        job = started.raise_for_status().json()["task_id"]

        def ended() -> dict[str, Any] | None:
            nonlocal peak_mib
            peak_mib = max(peak_mib, probes.memory("worker"))
            answer = http.get(f"/status/{job}", params={"lines": 0})
            body: dict[str, Any] = answer.raise_for_status().json()
            return body if body["state"] in OVER else None

        what = f"the agent is through {count} notes"
        body = wait_until(ended, within_s=WITHIN_S, every_s=EVERY_S, what=what)
    if body is None or body["state"] != "completed":
        raise RuntimeError(f"The run with {count} notes is not completed: {body}")
    done = body["result"]["bookmarks"]["done"]
    if done != count:
        raise RuntimeError(f"{done} of {count} notes were done.")
    whole_s = body["ended_at"] - body["started_at"]
    return Run(count, whole_s, parts(_events(stack, job)), peak_mib)


def _events(stack: Stack, job: str) -> list[dict[str, Any]]:
    with redis.Redis.from_url(stack.urls.events) as client:
        entries: Any = client.xrange(f"events:{job}:log")
    return [json.loads(fields[b"event"]) for _, fields in entries]
