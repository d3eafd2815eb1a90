"""A stack that somebody else started, judged by the same contracts.

```python
with ForeignStack(folder, "time_limit.deployed-pool-enforces") as foreign:
    # Their worker starts with foreign.environment() and, where it runs in a container,
    # foreign.volumes. Then, with their own means:
    result = render.apply_async(soft_time_limit=1, time_limit=2)
    foreign.sent(result.id, soft_s=1, hard_s=2)
    foreign.history.settle(result.id, within_s=20)
    foreign.must_hold()
```

The witness in the worker tells what was executed; what was sent, who sends has to say.
Nothing is looked at from outside and nothing is damaged: that needs a stack of ours.
"""

import datetime
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from harness.contract import find_contract
from harness.deciding import watch_until_decided
from harness.errors import ContractError, NotApplicable
from harness.heartbeat import Heartbeat
from harness.history import SCHEMA, History
from harness.judge import judge
from harness.records import Follower
from harness.report.page import Situation, failure_pages
from harness.verdict import Verdict

#: What can be known of such a stack; contracts that need more are not applicable.
PROVIDES = frozenset({"app", "worker"})

HERE = Path(__file__).resolve().parent
WITNESS_SITE = HERE / "witness_site"


class ForeignStack:
    """Follows the ledger of somebody else's workers, and judges what they did.

    Args:
        folder: where `history.jsonl` and the ledger go; one per test.
        contracts: the ids of those that judge it.
        test: what the history and a page call this test; default: the folder's name.
        again: the command that runs it again.
        bounds: {contract id: {bound: value}} in place of defaults.

    Raises:
        ContractError: no contract is named, or there is no such contract or bound.
        NotApplicable: a contract needs more than a worker's ledger.
    """

    def __init__(
        self,
        folder: Path,
        *contracts: str,
        test: str = "",
        again: str = "",
        bounds: Mapping[str, Mapping[str, float]] | None = None,
    ) -> None:
        if not contracts:
            raise ContractError(
                "A stack is watched to be judged: name the contracts after the folder. "
                "`queueproof contracts` lists them."
            )
        self.contracts = tuple(map(find_contract, contracts))
        for contract in self.contracts:
            if missing := sorted(set(contract.needs) - PROVIDES):
                raise NotApplicable(
                    f"{contract.id} needs {', '.join(missing)}; of a stack that "
                    "somebody else started only what its workers execute is known. "
                    "Describe the application in a target.toml and run it as scenarios."
                )
        self.bounds = {c.id: c.values((bounds or {}).get(c.id)) for c in self.contracts}
        self.test, self.again = test or folder.name, again
        self.ledger = folder.resolve() / "ledger"
        self.ledger.mkdir(parents=True)
        self.ledger.chmod(0o1777)  # whoever the worker's user is, it writes here
        self.history = History(folder / "history.jsonl")
        self.history.record(
            "harness",
            "run",
            schema=SCHEMA,
            test=self.test,
            contracts=list(self.bounds),
            bounds=self.bounds,
            engine="foreign",
            started_at=datetime.datetime.now(datetime.UTC).isoformat(),
            start_mono=self.history.start_mono,
        )
        self.history.collect_from(Follower(self.ledger, "ledger", from_now=False))
        self._heartbeat = Heartbeat(self.history)
        self._heartbeat.start()

    # --- for who starts the workers -------------------------------------------------

    def environment(self, *, pythonpath: str = "") -> dict[str, str]:
        """Return the variables to start a worker with; `pythonpath` is its own."""
        path = [str(WITNESS_SITE), *filter(None, [pythonpath])]
        return {
            "PYTHONPATH": os.pathsep.join(path),
            "QUEUEPROOF_LEDGER": str(self.ledger),
        }

    @property
    def volumes(self) -> dict[str, dict[str, str]]:
        """Return what a worker's container must mount, in the words of Docker's SDK.

        Each has the same path inside as outside, and only the ledger is written to.
        """
        modes = {WITNESS_SITE: "ro", self.ledger: "rw"}
        return {str(p): {"bind": str(p), "mode": mode} for p, mode in modes.items()}

    # --- for who sends the tasks ----------------------------------------------------

    def sent(
        self,
        job: str,
        *,
        task: str | None = None,
        queue: str | None = None,
        soft_s: float | None = None,
        hard_s: float | None = None,
    ) -> str:
        """Say that the task with this id was sent, just now; return the id.

        Args:
            job: the id that Celery gave it.
            task: its name.
            queue: the queue that was asked for; None for its own route.
            soft_s: the soft limit that travels with the message, in seconds.
            hard_s: the hard one.
        """
        limits = {"soft_s": soft_s, "hard_s": hard_s}
        self.history.record("send", "accepted", job, task=task, queue=queue, **limits)
        return job

    def has_tasks(self, *names: str) -> None:
        """Say which tasks the application has, for contracts about each of them."""
        self.history.record("agent", "tasks", names=sorted(names))

    # --- for who wants to know ------------------------------------------------------

    def verdicts(self) -> dict[str, Verdict]:
        """Return a verdict per contract; watches on, up to 60 s, while that decides."""
        watch_until_decided(self.history, lambda: self._judged().values())
        return self._judged()

    def must_hold(self) -> None:
        """Raise AssertionError, with a page each, unless every contract holds."""
        situation = Situation(self.test, self.again, self.history.path)
        pages = failure_pages(self.verdicts(), self.history, situation)
        if pages:
            raise AssertionError("\n\n".join(["a contract does not hold", *pages]))

    def close(self) -> None:
        """Stop observing; doing it twice is harmless."""
        self._heartbeat.stop()
        self.history.seal()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _judged(self) -> dict[str, Verdict]:
        return {c.id: judge(c, self.history, self.bounds[c.id]) for c in self.contracts}
