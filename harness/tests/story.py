"""Histories written by hand: a small language for the tests of laws.

story = Story()
story.submitted("a", 0.0).subscribed("a", 0.1)
story.event("a", "progress", 1.0, seq=1, percent=5)
story.event("a", "completed", 2.0, seq=2, percent=100)
story.watched(4.0)
"""

from typing import Any

from harness.contract import find_contract
from harness.history import SCHEMA, History
from harness.judge import judge
from harness.verdict import Verdict

LIMITS = {"short": {"soft_s": 3.0, "hard_s": 5.0}, "unlimited": {}}


class Story:
    """A history in the making; every method takes job and time and returns self.

    `about` is added to the first line.
    """

    def __init__(self, **about: Any) -> None:
        self.history = History(start_mono=0.0)
        about = {"schema": SCHEMA, "limits": LIMITS, **about}
        self.history.record("harness", "run", t=0.0, **about)
        self._seq = 0

    def say(
        self, name: str, t: float, job: str | None = None, /, **data: Any
    ) -> "Story":
        source, _, kind = name.partition(".")
        self.history.record(source, kind, job, t, **data)
        return self

    def submitted(self, job: str, t: float, kind: str = "short") -> "Story":
        return self.say("driver.submitted", t, job, job_kind=kind, accepted=True)

    def sent(self, job: str, t: float, soft_s: float, hard_s: float) -> "Story":
        return self.say(
            "send.accepted", t, job, task="sleep", soft_s=soft_s, hard_s=hard_s
        )

    def subscribed(
        self, job: str, t: float, by: str = "anna", late: bool = False
    ) -> "Story":
        return self.say("driver.subscribed", t, job, subscriber=by, late=late)

    def event(
        self,
        job: str,
        event: str,
        t: float,
        *,
        seq: int | None = None,
        percent: float | None = None,
        by: str = "anna",
        attempt: int = 1,
        **data: Any,
    ) -> "Story":
        if seq is None:
            self._seq += 1
            seq = self._seq
        if event == "failed":
            data.setdefault("reason", "error")
        data |= {"subscriber": by, "event": event, "seq": seq, "attempt": attempt}
        return self.say("driver.event", t, job, percent=percent, **data)

    def status(
        self, job: str, t: float, state: str, code: int = 200, **data: Any
    ) -> "Story":
        data.setdefault("on_event", "anna")
        return self.say("driver.status", t, job, code=code, state=state, **data)

    def cancel(self, job: str, t: float, answer: str = "cancelling") -> "Story":
        return self.say("driver.cancel", t, job, code=200, answer=answer)

    def started(self, job: str, t: float, pid: int = 10) -> "Story":
        return self.say("journal.start", t, job, pid=pid, attempt=1)

    def cleaned(self, job: str, t: float, pid: int = 10) -> "Story":
        return self.say("journal.mark", t, job, pid=pid, name="cleanup")

    def ended(
        self, job: str, t: float, how: str = "returned", pid: int = 10
    ) -> "Story":
        return self.say("journal.end", t, job, pid=pid, attempt=1, how=how)

    def reported(self, job: str, t: float, how: str, pid: int = 1) -> "Story":
        """The worker's main process says how the task ended."""
        return self.say("ledger.end", t, job, pid=pid, role="parent", how=how)

    def fault(
        self,
        name: str,
        t: float,
        role: str = "child",
        pid: int = 10,
        bit: bool = True,
        job: str | None = None,
    ) -> "Story":
        victim = {"role": role, "pid": pid}
        proof = "by hand"
        return self.say(
            "fault.injected", t, job, fault=name, victim=victim, bit=bit, proof=proof
        )

    def healed(self, name: str, t: float, **data: Any) -> "Story":
        return self.say("fault.healed", t, fault=name, **data)

    def gone(self, t: float, pid: int = 10) -> "Story":
        return self.say("probe.gone", t, pid=pid, role="child")

    def watched(self, t: float) -> "Story":
        """The harness still looked at this time."""
        return self.say("harness.heartbeat", t, gap_s=0.05)

    def judged_by(self, contract: str, **bounds: float) -> Verdict:
        return judge(find_contract(contract), self.history, bounds)
