"""A run as one HTML file that needs nothing else: no network, no other file."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from harness.contract import Contract, find_contract
from harness.history import History, Observation
from harness.rejudge import Rejudged
from harness.report.page import failures, surroundings, telling
from harness.report.table import worst_measured
from harness.report.timeline.crop import Crop, crop
from harness.report.timeline.encode import encode
from harness.report.timeline.model import timeline
from harness.report.verdict_file import Judged
from harness.verdict import PRECEDENCE, Status, Verdict, worst

#: A sign for each status: colour alone does not reach everybody.
SIGNS = {Status.HOLDS: "✓", Status.VIOLATED: "✗", Status.INCONCLUSIVE: "?"}

#: Lines of evidence that are shown; the timeline marks all of them.
SHOWN_LINES = 12

#: Words about the circumstances of a failure; the timeline shows all damage.
SHOWN_CIRCUMSTANCES = 5

_HERE = Path(__file__).parent / "timeline"

#: The parts of the script, each after those that it uses.
_SCRIPTS = ("data", "scale", "paint", "paint_timeline", "tools", "timeline", "page")


@dataclass(frozen=True)
class Row:
    """A contract in the overview of a run."""

    contract: Contract
    status: Status
    holding: int
    tests: int
    measured: str
    where: str


@dataclass(frozen=True)
class Failure:
    """Contracts that do not hold for one reason, in one test."""

    contract: Contract
    verdict: Verdict
    also: Sequence[str]
    circumstances: str
    evidence: Sequence[tuple[Observation, str]]
    more: int
    place: int
    crop: Crop


@dataclass(frozen=True)
class Part:
    """All that the page says about one test."""

    number: int
    judged: Judged
    status: Status
    verdicts: Sequence[tuple[Contract, Verdict, str]]
    failures: Sequence[Failure]
    changes: Sequence[str]
    data: Mapping[str, Any]


def render(
    tests: Sequence[Rejudged],
    *,
    name: str,
    about: Mapping[str, Any] | None = None,
) -> str:
    """Return the page of a run.

    Args:
        tests: its histories, judged.
        name: what the run is called, such as its folder.
        about: `environment`, `notes` and `errors` as the run's file tells them.
    """
    told = about or {}
    parts = [_part(number, test) for number, test in enumerate(tests)]
    parts.sort(key=lambda part: PRECEDENCE.index(part.status))
    rows = _overview(parts)
    script = "\n".join(_read(f"{word}.js") for word in _SCRIPTS)
    script = f'(() => {{\n"use strict";\n{script}\n}})();'
    runs = [test.history.run for test in tests]
    page = _environment().get_template("page.html")
    return page.render(
        name=name,
        facts=_facts(runs, told.get("environment") or {}),
        notes=told.get("notes") or [],
        errors=told.get("errors") or [],
        status=worst(row.status for row in rows),
        counts=[(s, n) for s in PRECEDENCE if (n := _count(rows, s))],
        rows=rows,
        parts=parts,
        signs=SIGNS,
        style=_read("style.css"),
        script=script,
        script_hash=_hash(script),
    )


def _part(number: int, test: Rejudged) -> Part:
    history, verdicts = test.history, test.judged.verdicts
    whole = timeline(history)
    crops = {id: crop(verdict, whole, history) for id, verdict in verdicts.items()}
    places = {id: place for place, id in enumerate(verdicts)}
    contracts = {id: find_contract(id) for id in verdicts}
    found = [
        Failure(
            contracts[id],
            verdicts[id],
            also,
            _circumstances(verdicts[id], history),
            *_evidence(verdicts[id], history),
            places[id],
            crops[id],
        )
        for id, *also in failures(verdicts)
    ]
    return Part(
        number,
        test.judged,
        worst(v.status for v in verdicts.values()),
        [
            (contracts[id], v, worst_measured(contracts[id], [test.judged]))
            for id, v in verdicts.items()
        ],
        found,
        test.changes,
        encode(whole, history, [(id, v, crops[id]) for id, v in verdicts.items()]),
    )


def _circumstances(verdict: Verdict, history: History) -> str:
    """Return job, situation and the first faults in one line."""
    found = surroundings(verdict, history)
    more = len(found) - SHOWN_CIRCUMSTANCES
    if more > 0:
        found[SHOWN_CIRCUMSTANCES:] = [f"and {more} more"]
    return " · ".join(found)


def _evidence(
    verdict: Verdict, history: History
) -> tuple[list[tuple[Observation, str]], int]:
    """Return the first lines of evidence in words, and how many more there are."""
    known = range(1, len(history.observations) + 1)
    lines = [n for n in sorted(set(verdict.evidence)) if n in known]
    found = [history.observations[n - 1] for n in lines[:SHOWN_LINES]]
    return [(o, telling(o)) for o in found], len(lines) - len(found)


def _overview(parts: Sequence[Part]) -> list[Row]:
    """Return one row per contract, the worst first."""
    judged = [part.judged for part in parts]
    rows = []
    for id in sorted({id for test in judged for id in test.verdicts}):
        mine = [part for part in parts if id in part.judged.verdicts]
        mine.sort(key=lambda p: PRECEDENCE.index(p.judged.verdicts[id].status))
        seen = [part.judged.verdicts[id].status for part in mine]
        contract = find_contract(id)
        rows.append(
            Row(
                contract,
                worst(seen),
                seen.count(Status.HOLDS),
                len(seen),
                worst_measured(contract, judged),
                f"t{mine[0].number}-{id}",
            )
        )
    return sorted(rows, key=lambda row: PRECEDENCE.index(row.status))


def _count(rows: Sequence[Row], status: Status) -> int:
    return sum(row.status is status for row in rows)


def _facts(
    runs: Sequence[Mapping[str, Any]], environment: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """Return how the run was done: mutant and engine, versions, when it began."""
    first = next((run for run in runs if run), {})
    times = sorted(str(run["started_at"]) for run in runs if "started_at" in run)
    told = {
        "mutant": first.get("mutant"),
        "engine": first.get("engine"),
        **environment,
        "began": times[0][:19].replace("T", " ") + " UTC" if times else "",
    }
    return [(key, str(value)) for key, value in told.items() if value]


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Compact; what JSON does not know becomes text, as in the history's file.
    made.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "default": str}
    return made


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    """Return the digest by which the page allows this script and no other."""
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return base64.b64encode(digest).decode("ascii")
