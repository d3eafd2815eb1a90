"""Judges stored histories again: no Redis, no worker, the laws of today."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.contract import find_contract
from harness.errors import HistoryError
from harness.history import History
from harness.judge import judge
from harness.report.page import Situation, failure_page
from harness.report.verdict_file import FILE_NAME, Judged, read_test, stored_again
from harness.verdict import Status

HISTORY_NAME = "history.jsonl"


@dataclass(frozen=True)
class Rejudged:
    """One history, judged again; `changes` says where the stored verdict differs."""

    history: History
    judged: Judged
    changes: tuple[str, ...]
    pages: tuple[str, ...]


def histories(path: Path) -> list[Path]:
    """Return the histories of a run, of one test's folder, or the file itself.

    Raises:
        HistoryError: there is none.
    """
    if path.is_file():
        return [path]
    here = path / HISTORY_NAME
    found = [here] if here.is_file() else sorted(path.glob(f"*/{HISTORY_NAME}"))
    if not found:
        raise HistoryError(
            f"No {HISTORY_NAME} in {path} or in its folders. Name the folder of a run "
            "(.qp/runs/...), of one test in it, or a file."
        )
    return found


def rejudge(path: Path) -> Iterator[Rejudged]:
    """Yield each history below `path`, judged by the contracts its first line names.

    Raises:
        HistoryError: a file cannot be read.
        ContractError: a history names a contract that does not exist any more.
    """
    for file in histories(path):
        yield _one(file)


def _one(file: Path) -> Rejudged:
    history = History.load(file)
    test = str(history.run.get("test") or file.parent.name)
    contracts = [find_contract(id) for id in history.run.get("contracts", [])]
    verdicts = {c.id: judge(c, history) for c in contracts}
    mutant = history.run.get("mutant")
    again = stored_again(file.parent / FILE_NAME) or (
        f'pytest "{test}"' + (f" --mutant {mutant}" if mutant else "")
    )
    judged = Judged(
        test, file.parent.name, again, verdicts, history.run.get("bounds") or {}
    )
    stored = read_test(file.parent / FILE_NAME)
    changes = [
        f"{id} was {stored[id].status}, is {verdict.status}: {test}"
        for id, verdict in verdicts.items()
        if id in stored and stored[id].status is not verdict.status
    ]
    situation = Situation(test, again, file)
    pages = [
        failure_page(c, verdicts[c.id], history, situation)
        for c in contracts
        if verdicts[c.id].status is not Status.HOLDS
    ]
    return Rejudged(history, judged, tuple(changes), tuple(pages))
