"""A history: everything that was observed in one test, on one clock, in one file.

Observations are appended by many threads and reach the disk line by line, so a crash
of the harness loses nothing. A law reads a history and nothing else; the line number
of an observation is its evidence.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, NamedTuple, Protocol, TypeVar

from harness.errors import HistoryError, NeverHappened
from harness.job_view import JobView
from harness.observation import Observation, parse_lines

__all__ = ["History", "Observation"]

T = TypeVar("T")

#: Version of the file format; a reader refuses one it does not know.
SCHEMA = 1

#: Seconds between two looks into ledger and journal, which nobody announces. On
#: average half of it is part of what each test costs; a look takes 0.05 ms.
COLLECT_EVERY_S = 0.005

#: Seconds to wait for the end of an execution once its user has seen the ending:
#: a cancelled child is killed 2 s after the request at the latest.
END_GRACE_S = 3.0


class Stall(NamedTuple):
    """A time in which the harness itself stood still, and the line that says so."""

    since_t: float
    t: float
    line: int

    @property
    def took_s(self) -> float:
        """Return how long it was."""
        return self.t - self.since_t


class Collector(Protocol):
    """Brings in what other processes wrote since the last call (ledger, journal)."""

    def __call__(self, start_mono: float) -> Iterable[Observation]:
        """Return new observations with `t` counted from `start_mono`."""


class History:
    """An append-only list of observations; safe to use from any thread.

    Args:
        path: the file that each observation is written to at once; None keeps the
            history in memory (laws are tested so).
        start_mono: CLOCK_MONOTONIC at t = 0; default now.
    """

    def __init__(
        self, path: Path | None = None, *, start_mono: float | None = None
    ) -> None:
        self.path = path
        self.start_mono = time.monotonic() if start_mono is None else start_mono
        self._observations: list[Observation] = []
        self._by_job: dict[str | None, list[Observation]] = {}
        self._by_source: dict[str, list[Observation]] = {}
        self._changed = threading.Condition(threading.RLock())
        self._collectors: list[Collector] = []
        self._sealed = False
        self._looked_t = 0.0
        self._file: IO[str] | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("w", encoding="utf-8", buffering=1)

    # Writing

    def record(
        self,
        source: str,
        kind: str,
        job: str | None = None,
        t: float | None = None,
        **data: Any,
    ) -> Observation:
        """Append an observation made `t` seconds after the start (default: now).

        After `seal` it is returned and not kept: listeners may be late.
        """
        with self._changed:
            when = self.now() if t is None else t
            return self._append(Observation(when, source, kind, job, data))

    def _append(self, observation: Observation) -> Observation:
        if self._sealed:
            return observation
        numbered = Observation(
            observation.t,
            observation.source,
            observation.kind,
            observation.job,
            MappingProxyType(dict(observation.data)),
            line=len(self._observations) + 1,
        )
        self._observations.append(numbered)
        self._by_job.setdefault(numbered.job, []).append(numbered)
        self._by_source.setdefault(numbered.source, []).append(numbered)
        if self._file is not None:
            self._file.write(numbered.to_json() + "\n")
        self._changed.notify_all()
        return numbered

    def now(self) -> float:
        """Return the seconds since the history began."""
        return time.monotonic() - self.start_mono

    def situation(self, name: str, job: str | None = None) -> None:
        """Say what the scenario sets out to arrange, such as `exit.hard_limit`."""
        self.record("harness", "situation", job, name=name)

    def collect_from(self, collector: Collector) -> None:
        """Ask `collector` for new lines whenever somebody waits, and at the end."""
        with self._changed:
            self._collectors.append(collector)

    def collect(self) -> None:
        """Bring in what ledger and journal hold by now."""
        with self._changed:
            for collector in self._collectors:
                for observation in collector(self.start_mono):
                    self._append(observation)

    def seal(self) -> None:
        """Collect for the last time and close the file; doing it twice is harmless."""
        with self._changed:
            if self._sealed:
                return
            self.collect()
            self._sealed = True
            if self._file is not None:
                self._file.close()
            self._changed.notify_all()

    # Waiting

    def until(
        self,
        job: str | None,
        kind: str = "driver.event",
        *,
        within_s: float = 20.0,
        event: str | None = None,
        where: Callable[[Observation], bool] | None = None,
    ) -> Observation:
        """Return the first matching observation, already made or still to come.

        Args:
            job: its job id; None matches any.
            kind: `source.kind` or the kind alone.
            within_s: seconds to wait at most.
            event: for driver events: progress, completed, failed or cancelled.
            where: a further condition on the observation.

        Raises:
            NeverHappened: the situation did not arise; the verdict is inconclusive.
        """

        def matches(o: Observation) -> bool:
            return (
                (job is None or o.job == job)
                and kind in (o.name, o.kind)
                and (event is None or o.get("event") == event)
                and (where is None or where(o))
            )

        seen = 0

        def found() -> Observation | None:
            nonlocal seen
            while seen < len(self._observations):
                candidate = self._observations[seen]
                seen += 1
                if matches(candidate):
                    return candidate
            return None

        first = self._wait(found, within_s)
        if first is not None:
            return first
        last = next(reversed(self.of(job=job)), None)
        wanted = f"{kind} {event}" if event else kind
        raise NeverHappened(
            f"Expected {wanted} of job {job} within {within_s:g} s, but it never came; "
            f"last seen of the job: {_sketch(last)}. "
            "Is the job long enough for this scenario, and the worker up?"
        )

    def settle(self, job: str, *, within_s: float) -> bool:
        """Let the job finish: an ending at each of its subscribers, and of its run.

        Returns whether it ended within `within_s` seconds; never raises, because the
        laws decide. The end of the run itself is awaited `END_GRACE_S` at most, and
        not at all from a process that a fault killed.
        """
        deadline = self.now() + within_s

        def heard() -> bool:
            view = self.job(job)
            waiting = [s for s in view.subscribers if s.unsubscribed_t is None]
            if waiting:
                return all(s.terminal is not None for s in waiting)
            return bool(view.subscribers) or any(run.end for run in view.runs)

        def ended() -> bool:
            return all(run.end or run.killed for run in self.job(job).runs)

        ok = self._wait(heard, within_s) or False
        if ok:
            left_s = max(0.0, deadline - self.now())
            ok = self._wait(ended, min(END_GRACE_S, left_s)) or False
        self.record("harness", "settled", job, within_s=within_s, ended=ok)
        return ok

    def watch_on(self, until_t: float) -> None:
        """Keep watching until something new is observed, or until `until_t`."""
        known = len(self._observations)
        self._wait(lambda: len(self._observations) > known, until_t - self.now())
        self.look()

    def look(self) -> None:
        """Take in what there is, and remember that we still looked now."""
        self.collect()
        self._looked_t = self.now()

    def _wait(self, condition: Callable[[], T], within_s: float) -> T | None:
        """Return the first truthy value of `condition`; None after `within_s`."""
        deadline = self.now() + within_s
        while True:
            with self._changed:
                expired = self.now() >= deadline
                self.collect()
                value = condition()
                if value or expired:
                    return value or None
                left_s = max(0.0, deadline - self.now())
                if self._collectors:  # nobody announces what files receive
                    left_s = min(left_s, COLLECT_EVERY_S)
                self._changed.wait(left_s)

    # Reading

    @property
    def observations(self) -> tuple[Observation, ...]:
        """Return all observations in the order of their lines."""
        with self._changed:
            return tuple(self._observations)

    def of(
        self,
        *,
        source: str | None = None,
        kind: str | None = None,
        job: str | None = None,
    ) -> tuple[Observation, ...]:
        """Return the observations that match all that is given, in line order."""
        with self._changed:
            mine = self._observations
            if job is not None:
                mine = self._by_job.get(job, [])
            elif source is not None:
                mine = self._by_source.get(source, [])
            return tuple(
                o
                for o in mine
                if (source is None or o.source == source)
                and (kind is None or o.kind == kind)
            )

    @property
    def jobs(self) -> tuple[JobView, ...]:
        """Return the jobs that the scenario submitted or sent, in that order."""
        ids = dict.fromkeys(
            o.job
            for o in self.observations
            if o.job and o.name in ("driver.submitted", "send.accepted")
        )
        return tuple(self.job(job) for job in ids)

    def job(self, job: str) -> JobView:
        """Return all that is known of one job, arranged for laws."""
        return JobView(job, self)

    @property
    def run(self) -> Mapping[str, Any]:
        """Return what the first line says about this run; empty where it is missing."""
        first = next((o for o in self.observations if o.name == "harness.run"), None)
        return first.data if first else MappingProxyType({})

    def stalls(self, *, above_s: float) -> list[Stall]:
        """Return when the harness itself stood still for longer than this."""
        beats = self.of(source="harness", kind="heartbeat")
        gaps = [(beat, float(beat.get("gap_s") or 0.0)) for beat in beats]
        return [
            Stall(beat.t - gap_s, beat.t, beat.line)
            for beat, gap_s in gaps
            if gap_s > above_s
        ]

    @property
    def watched_until_s(self) -> float:
        """Return the time at which the harness itself still looked."""
        times = (o.t for o in self.of(source="harness"))
        return max([*times, self._looked_t])

    # Files

    def save(self, path: Path) -> None:
        """Write the whole history to `path`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [o.to_json() + "\n" for o in self.observations]
        path.write_text("".join(lines), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "History":
        """Read a history; a torn last line is dropped, as after a crash.

        Raises:
            HistoryError: the file is missing, damaged, or of an unknown schema.
        """
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise HistoryError(f"Cannot read {path}: {error.strerror}.") from error
        history = cls(start_mono=0.0)
        with history._changed:
            for observation in parse_lines(text, path):
                history._append(observation)
        schema = history.run.get("schema", SCHEMA)
        if schema != SCHEMA:
            raise HistoryError(
                f"{path} has schema {schema!r}, but this version reads {SCHEMA}."
            )
        history.path = path
        history.seal()
        return history


def _sketch(observation: Observation | None) -> str:
    if observation is None:
        return "nothing"
    word = observation.get("event") or observation.get("state") or ""
    return f"{observation.name} {word} at {observation.t:.2f} s".replace("  ", " ")
