"""One scenario: its history from the first line to its verdicts."""

import datetime
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.contract import Contract
from harness.deciding import watch_until_decided
from harness.errors import NeverHappened
from harness.heartbeat import Heartbeat
from harness.history import SCHEMA, History
from harness.judge import judge
from harness.ledger import process_of
from harness.observation import Observation
from harness.records import Follower
from harness.report.verdict_file import FILE_NAME, Judged, write_test
from harness.verdict import Verdict

if TYPE_CHECKING:
    from harness.probes import Probes
    from harness.run import Run
    from harness.stack import Stack


class Scenario:
    """One test: its history from the first line to its verdicts.

    `again` is the command that runs it again; by default pytest's.
    """

    def __init__(
        self, run: "Run", test: str, contracts: Sequence[Contract], again: str = ""
    ) -> None:
        self.run = run
        self.test = test
        self.again = again or f'pytest "{test}"{run.again}'
        self.contracts = contracts
        self.name = f"{run.part}/{slug(test)}" if run.part else slug(test)
        self.folder = run.folder / self.name
        self.history = History(self.folder / "history.jsonl")
        self._began = time.monotonic()
        self._heartbeat = Heartbeat(self.history)
        self.bounds = {c.id: c.values(run.target.bounds.get(c.id)) for c in contracts}
        self.history.record(
            "harness",
            "run",
            schema=SCHEMA,
            test=test,
            contracts=[c.id for c in contracts],
            bounds=self.bounds,
            limits=run.target.limits,
            coroutines=run.target.coroutines,
            repeatable=run.target.repeatable,
            engine=run.engine_name,
            redis_server=run.redis_server,
            mutant=run.mutant.name if run.mutant else None,
            stage=run.stage,
            started_at=datetime.datetime.now(datetime.UTC).isoformat(),
            start_mono=self.history.start_mono,
        )
        self._heartbeat.start()

    def follow(self, stack: "Stack", probes: "Probes") -> None:
        """Take in what the stack's ledger and journal receive from now on.

        The process of every execution is watched for its end.
        """
        ledger = Follower(stack.layout.ledger, "ledger")
        journal = Follower(stack.layout.journal, "journal")

        def read(start_mono: float) -> Iterator[Observation]:
            for follower in (ledger, journal):
                for o in follower(start_mono):
                    yield o
                    if o.kind == "start" and o.get("pid_start"):
                        probes.watch_gone(process_of(o), role="child", job=o.job)

        self.history.collect_from(read)

    def finish(self, error: BaseException | None = None) -> Judged:
        """Watch on while that can decide, judge, close and store.

        `error` is what broke the scenario off; then nothing more is waited for.
        """
        if error is None:
            watch_until_decided(self.history, lambda: self._judge().values())
        else:
            never = isinstance(error, NeverHappened)
            text = str(error) if never else f"{type(error).__name__}: {error}"
            kind = "never_happened" if never else "crashed"
            self.history.record("harness", kind, text=text)
        self.close()
        judged = Judged(
            self.test,
            self.name,
            self.again,
            self._judge(),
            self.bounds,
            time.monotonic() - self._began,
        )
        write_test(self.folder / FILE_NAME, judged)
        self.run.tests.append(judged)
        return judged

    def _judge(self) -> dict[str, Verdict]:
        return {c.id: judge(c, self.history, self.bounds[c.id]) for c in self.contracts}

    def close(self) -> None:
        """Stop observing; doing it twice is harmless."""
        self._heartbeat.stop()
        self.history.seal()


def slug(test: str) -> str:
    """Return a folder name for a test's id."""
    path, _, name = test.partition("::")
    words = f"{Path(path).stem}--{name}"
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", words).strip("-")[:120]
