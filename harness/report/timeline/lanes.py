"""Which lanes an observation belongs to: jobs, who watches them, processes, faults."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.history import History, Observation
from harness.job_view import TERMINAL

#: The kinds of lanes, from top to bottom; clients stand below their job.
ORDER = ("fault", "job", "client", "process", "probe", "harness")

#: Hexadecimal digits by which a job is recognised in a label.
SHORT = 8

Key = tuple[str, ...]


@dataclass
class Lane:
    """One row of the timeline; `jobs` are the jobs that something in it is about."""

    kind: str
    label: str
    note: str = ""
    jobs: set[str] = field(default_factory=set)


class Lanes:
    """The lanes of a history, and in which of them each observation is shown.

    `rows` are in the order of the page; `of_line[line - 1]` are indices into it.
    """

    def __init__(self, history: History) -> None:
        self._lanes: dict[Key, Lane] = {}
        self._by_pid: dict[int, Key] = {}
        self._by_role: dict[str, Key] = {}
        keys = [tuple(self._keys(o)) for o in history.observations]
        self._order = {key: i for i, key in enumerate(self._sorted())}
        self.rows: list[Lane] = [self._lanes[key] for key in self._order]
        self.of_line = [tuple(self._order[k] for k in mine) for mine in keys]

    def of_job(self, job: str) -> int | None:
        """Return the job's own lane."""
        return self._order.get(("job", job))

    def of_client(self, job: str, name: str) -> int | None:
        """Return the lane of one subscriber of a job."""
        return self._order.get(("client", job, name))

    def of_pid(self, pid: int, pid_start: object = None) -> int | None:
        """Return the lane of a process."""
        key = self._process_key(pid, pid_start)
        return self._order.get(key)

    def _sorted(self) -> list[Key]:
        """Return the keys in the order of the page: each job, then its clients."""
        clients: dict[str, list[Key]] = {}
        for key, lane in self._lanes.items():
            if lane.kind == "client":
                clients.setdefault(key[1], []).append(key)
        found = []
        for kind in ORDER:
            for key, lane in self._lanes.items():
                if lane.kind == kind and kind != "client":
                    found.append(key)
                    found += clients.get(key[1], []) if kind == "job" else []
        return found

    def _keys(self, o: Observation) -> Iterator[Key]:
        if o.source == "harness":
            yield self._lane(("harness",), "harness")
            return
        if o.source == "fault":
            yield self._lane(("fault",), "faults")
        on_client = o.get("subscriber") is not None
        if o.job:
            label = f"job {o.job[:SHORT]}"
            job = self._lane(("job", o.job), label, job=o.job)
            self._lanes[job].note = self._lanes[job].note or _what(o)
            if not on_client or o.get("event") in TERMINAL:
                yield job
        if o.job and on_client:
            name = str(o["subscriber"])
            client = self._lane(("client", o.job, name), name, job=o.job)
            if o.kind == "subscribed":
                self._lanes[client].note = "joins late" if o.get("late") else "watches"
            yield client
        process = self._process(o)
        if process is not None:
            yield process
        elif not o.job and o.source != "fault":
            yield self._lane(("probe",), "probes")

    def _process(self, o: Observation) -> Key | None:
        """Return the lane of the process the observation is about, if it is."""
        about = o.get("victim") or o.data
        role, pid = about.get("role"), about.get("pid")
        if not isinstance(pid, int):
            return self._by_role.get(str(role)) if o.source != "fault" else None
        key = self._process_key(pid, about.get("pid_start"))
        if key not in self._lanes:
            name = {"parent": "worker", None: "child"}.get(role, str(role))
            self._lane(key, f"{name} {pid}")
        if o.job:
            self._lanes[key].jobs.add(o.job)
        self._by_pid[pid] = key
        if o.name == "stack.started":
            self._by_role[str(role)] = key
        return key

    def _process_key(self, pid: int, pid_start: object) -> Key:
        """Return the key of a process; a pid alone means the latest one that has it."""
        if pid_start is None and pid in self._by_pid:
            return self._by_pid[pid]
        return ("process", str(pid), str(pid_start))

    def _lane(self, key: Key, label: str, job: str | None = None) -> Key:
        lane = self._lanes.setdefault(key, Lane(key[0], label))
        if job:
            lane.jobs.add(job)
        return key


def _what(o: Observation) -> str:
    """Return what the job is: its kind in the target's words, or its task."""
    return str(o.get("job_kind") or o.get("task") or "")
