"""One job as a history shows it: who watched, what they saw, what really ran."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.observation import same_process

if TYPE_CHECKING:
    from harness.history import History
    from harness.observation import Observation

#: The words of the events that end a job.
TERMINAL = frozenset({"completed", "failed", "cancelled"})

#: How the names of faults begin that end a process. A frozen one may go on, and one
#: that is asked to leave may finish its work first.
KILLING = ("kill", "oom")


@dataclass(frozen=True)
class SubscriberView:
    """What one subscriber of a job saw, in the order of arrival; times in seconds."""

    name: str
    late: bool
    subscribed_t: float
    unsubscribed_t: float | None
    watched_until_s: float
    events: tuple["Observation", ...]

    def due(self, t: float | None) -> float | None:
        """Return `t` if watching on until then can still tell, else None."""
        return t if self.unsubscribed_t is None else None

    @property
    def terminals(self) -> tuple["Observation", ...]:
        """Return the events that end the job: one, when all is well."""
        return tuple(e for e in self.events if e.get("event") in TERMINAL)

    @property
    def terminal(self) -> "Observation | None":
        """Return the first event that ends the job."""
        return next(iter(self.terminals), None)


@dataclass
class Run:
    """One execution as ledger or journal counted it, in one process."""

    start: "Observation"
    end: "Observation | None" = None
    parent_end: "Observation | None" = None
    marks: list["Observation"] = field(default_factory=list)
    killed: "Observation | None" = None

    @property
    def pid(self) -> int:
        """Return the process that ran it."""
        return int(self.start.get("pid") or 0)

    def in_process_of(self, other: "Run") -> bool:
        """Return whether the process that ran it ran the other one too."""
        return same_process(self.start, other.start)

    @property
    def ends(self) -> tuple["Observation", ...]:
        """Return its end as the child told it, then as the parent did."""
        return tuple(end for end in (self.end, self.parent_end) if end is not None)

    @property
    def how(self) -> str | None:
        """Return how it ended, in the record's own word; None while it runs."""
        return str(self.end.get("how")) if self.end else None

    @property
    def succeeded(self) -> bool:
        """Return whether it ran to its end without an error."""
        return self.how in ("returned", "success")

    @property
    def error(self) -> str | None:
        """Return the name of the error it ended with; None where it did otherwise."""
        word, _, name = (self.how or "").partition(":")
        return name if word in ("raised", "failure") else None


class JobView:
    """Everything a law needs to know about one job. Reads, never writes."""

    def __init__(self, job: str, history: "History") -> None:
        self.id = job
        self.history = history
        self.observations = history.of(job=job)

    def named(self, name: str) -> tuple["Observation", ...]:
        """Return the job's observations of this `source.kind`."""
        return tuple(o for o in self.observations if o.name == name)

    @cached_property
    def submitted(self) -> "Observation | None":
        """Return the accepted submission or send; None where there is none."""
        for o in self.observations:
            if o.name == "send.accepted":
                return o
            if o.name == "driver.submitted" and o.get("accepted", True):
                return o
        return None

    @property
    def accepted(self) -> bool:
        """Return whether the application took the job."""
        return self.submitted is not None

    @property
    def job_kind(self) -> str | None:
        """Return its kind in the target's words, such as `compare`."""
        return self.submitted.get("job_kind") if self.submitted else None

    @cached_property
    def limits(self) -> tuple[float | None, float | None]:
        """Return its soft and hard limit in seconds, None where unknown."""
        limits: Mapping[str, Any] = {}
        if self.submitted is not None:
            if self.submitted.name == "send.accepted":
                limits = self.submitted.data
            else:
                limits = self.history.run.get("limits", {}).get(self.job_kind) or {}
        return _seconds(limits.get("soft_s")), _seconds(limits.get("hard_s"))

    @cached_property
    def retries(self) -> tuple[int, frozenset[str]]:
        """Return how often it may be tried again, and after which errors; from 0."""
        told = self.history.run.get("limits", {}).get(self.job_kind) or {}
        return int(told.get("retries", 0)), frozenset(told.get("transient", ()))

    @cached_property
    def subscribers(self) -> tuple[SubscriberView, ...]:
        """Return its subscribers, the earliest first."""
        left = {o.get("subscriber"): o.t for o in self.named("driver.unsubscribed")}
        end_s = self.history.watched_until_s
        views = []
        for o in self.named("driver.subscribed"):
            name = o.get("subscriber")
            events = tuple(
                e for e in self.named("driver.event") if e.get("subscriber") == name
            )
            gone_t = left.get(name)
            until_s = end_s if gone_t is None else gone_t
            views.append(
                SubscriberView(name, bool(o.get("late")), o.t, gone_t, until_s, events)
            )
        return tuple(sorted(views, key=lambda v: v.subscribed_t))

    @property
    def early(self) -> tuple[SubscriberView, ...]:
        """Return the subscribers that were there from the beginning."""
        return tuple(s for s in self.subscribers if not s.late)

    @property
    def events(self) -> tuple["Observation", ...]:
        """Return the events that any subscriber got, in the order of arrival."""
        return self.named("driver.event")

    @property
    def terminals(self) -> tuple["Observation", ...]:
        """Return the ending as each subscriber first saw it, the earliest first."""
        ends = [s.terminal for s in self.subscribers]
        return tuple(sorted((e for e in ends if e), key=lambda e: e.t))

    @property
    def told(self) -> str:
        """Return in words which ending arrived first."""
        if not self.terminals:
            return f"no ending until {self.history.watched_until_s:.2f} s"
        ending = self.terminals[0]
        reason = f", reason {ending.get('reason')}" if ending.get("reason") else ""
        return f"{ending['event']}{reason}, at {ending.t:.2f} s"

    @property
    def statuses(self) -> tuple["Observation", ...]:
        """Return the answers to status requests."""
        return self.named("driver.status")

    @cached_property
    def cancels(self) -> tuple["Observation", ...]:
        """Return the cancel requests that the application accepted."""
        return tuple(
            o
            for o in self.named("driver.cancel")
            if 200 <= int(o.get("code") or 0) < 300
            and "already" not in str(o.get("answer"))
        )

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """Return its executions, by the journal where there is one, else the ledger.

        The end that the worker's main process reports (ledger, role parent) stands
        beside: it may be all there is when the child was killed.
        """
        faults = self.history.of(source="fault", kind="injected")
        source = "journal" if self.named("journal.start") else "ledger"
        runs: list[Run] = []
        for o in sorted(self.observations, key=lambda o: o.t):
            if o.source == source and o.kind == "start":
                runs.append(Run(o))
            elif o.source == source and o.get("role") != "parent":
                _attach(runs, o)
            elif o.name == "ledger.end" and o.get("role") == "parent" and runs:
                runs[-1].parent_end = runs[-1].parent_end or o
        for run in runs:
            run.killed = _killer(run, faults)
            if source == "ledger" and run.end is None:
                run.end = run.parent_end
        return tuple(runs)

    def by_worker(self, run: Run) -> bool:
        """Return whether a worker ran it: then the witness in it wrote that down."""
        return any(same_process(o, run.start) for o in self.named("ledger.start"))

    def sightings(self, run: Run) -> list["Observation"]:
        """Return what shows the run's process alive or gone, in the order of time."""
        found = [
            o
            for o in self.history.observations
            if o.source in ("probe", "journal", "ledger") and same_process(o, run.start)
        ]
        return sorted(found, key=lambda o: o.t)

    @cached_property
    def faults(self) -> tuple["Observation", ...]:
        """Return the damage that hit a process that ran this job, while it did."""
        return tuple(
            f
            for f in self.history.of(source="fault", kind="injected")
            if f.job == self.id or any(_hits(f, run) for run in self.runs)
        )


def _attach(runs: list[Run], o: "Observation") -> None:
    """Give a mark or an end to the latest open run of its process."""
    for run in reversed(runs):
        if same_process(run.start, o):
            if o.kind == "mark":
                run.marks.append(o)
            elif o.kind == "end" and run.end is None:
                run.end = o
            return


def _hits(fault: "Observation", run: Run) -> bool:
    """Return whether the fault's victim is the child or its worker, while it ran."""
    victim = fault.get("victim") or {}
    mine = same_process(victim, run.start) or victim.get("role") == "worker"
    open_then = run.end is None or fault.t <= run.end.t
    harmless = not fault.get("bit") or fault.get("fault") == "noop"
    return not harmless and mine and run.start.t <= fault.t and open_then


def _killer(run: Run, faults: tuple["Observation", ...]) -> "Observation | None":
    for fault in faults:
        name = str(fault.get("fault"))
        if name.startswith(KILLING) and _hits(fault, run):
            return fault
    return None


def _seconds(value: Any) -> float | None:
    return None if value is None else float(value)
