"""One round of a fault: hurt the small application, look, and see it work again."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from harness import (
    Driver,
    Faults,
    HarnessError,
    History,
    NotOnThisEngine,
    Stack,
    Target,
    TooSlow,
    open_engine,
    wait_until,
)

TARGET = Path(__file__).parent / "app" / "target.toml"
QUEUE = "small"

#: Seconds the application may take to do a job once the damage has ended: a worker
#: notices a lost child after up to 5 s, and boots in 1 to 3.
WORKS_WITHIN_S = 60.0

#: Seconds in which something is seen that must happen, and in which nothing is of what
#: must not.
SEEN_WITHIN_S = 40.0
NOTHING_FOR_S = 1.0


class NotFelt(Exception):
    """The fault says that it bit, and an independent probe feels nothing."""


class Bench:
    """What a round has: the application, the faults, and looks of its own."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.history = History()
        stack.attach(self.history)
        self.faults = Faults(stack, self.history)
        self.agent = stack.agent
        self.redis = redis.Redis.from_url(
            stack.urls.broker, socket_timeout=0.3, retry=None
        )

    def driver(self) -> Driver:
        """Return a new user of the application."""
        return Driver(self.stack.target, self.stack.urls.api, self.history)

    def send(self, name: str, **kwargs: Any) -> str:
        """Send a probe task to the worker."""
        return self.agent.probe(name, queue=QUEUE, **kwargs)

    def running(self, name: str, **kwargs: Any) -> str:
        """Send a probe task and return when it runs."""
        job = self.send(name, **kwargs)
        self.see(lambda: self.stack.pid_of_child(job), f"{name} runs")
        return job

    def starts(self, job: str) -> int:
        """Return how often the job was started so far."""
        return sum(o["what"] == "start" for o in self._lines(job))

    def ends(self, job: str) -> list[str]:
        """Return in which ways the job has ended so far."""
        return [str(o.get("how")) for o in self._lines(job) if o["what"] == "end"]

    def ticks(self) -> int:
        """Return how often a scheduled task was started so far."""
        return sum(
            o["what"] == "start" and o.get("task") == "small.tick"
            for o in self._lines(None)
        )

    def exit_code(self, role: str) -> Any:
        """Return how a part ended in this round."""
        return self.history.until(
            None,
            "stack.exited",
            where=lambda o: bool(o["role"] == role),
            within_s=SEEN_WITHIN_S,
        )["code"]

    @contextmanager
    def no_dead_consumer(self) -> Iterator[None]:
        """Let Redis notice that the worker which the body kills is gone.

        The child it leaves behind holds its connection for a moment: what is sent then
        is popped for nobody.
        """
        before = self._consumers()
        yield
        self.see(
            lambda: not before & self._consumers(), "Redis knows that nobody listens"
        )

    def _consumers(self) -> set[str]:
        clients = self.redis.client_list()
        return {each["id"] for each in clients if each["cmd"] == "brpop"}

    def idle(self) -> None:
        """Wait until the worker has read the results of all jobs it was sent."""

        def is_idle() -> bool:
            waiting = self.redis.llen(QUEUE)
            answers = self.agent.inspect("active", limit=1) or {}
            return not waiting and list(answers.values()) == [[]]

        self.see(is_idle, "the worker has read all results")

    def see(self, condition: Callable[[], object], what: str) -> None:
        """Wait until it is so; raises NotFelt where it never is."""
        try:
            wait_until(condition, within_s=SEEN_WITHIN_S, what=what)
        except TooSlow as error:
            raise NotFelt(str(error)) from error

    def never(self, condition: Callable[[], object], what: str) -> None:
        """Watch for a while that it is not so; raises NotFelt where it is."""
        try:
            wait_until(condition, within_s=NOTHING_FOR_S, what=what)
        except TooSlow:
            return
        raise NotFelt(what)

    def work_off(self) -> float:
        """Return the seconds until a job sent now, and all before it, was done."""
        begin = time.monotonic()
        job = self.send("sleep")
        wait_until(
            lambda: "success" in self.ends(job),
            within_s=WORKS_WITHIN_S,
            what="the worker does a job",
        )
        return time.monotonic() - begin

    def close(self) -> None:
        """Give back what the round has used."""
        self.redis.close()

    def _lines(self, job: str | None) -> list[dict[str, Any]]:
        return self.stack.executions.lines("ledger", job)


#: Hurts, looks, and returns what its look has shown; empty where there is no other look
#: than the fault's own proof.
Cell = Callable[[Bench], str]


class Rounds:
    """Runs cells on one kept application, replaced when a round has failed."""

    def __init__(self, engine: str, folder: Path) -> None:
        self._target = Target.load(TARGET)
        self._engine = open_engine(engine, self._target)
        self._folder = folder
        self._stack: Stack | None = None

    def run(self, cell: Cell) -> dict[str, Any]:
        """Return one round: bites, heals, felt, seconds, why."""
        if self._stack is None:
            self._stack = Stack(self._target, self._engine, self._folder).start()
            Bench(self._stack).work_off()
        bench = Bench(self._stack)
        begin = time.monotonic()
        told: dict[str, Any] = {"bites": False, "heals": False, "why": ""}
        try:
            told["felt"] = cell(bench)
            told["bites"] = True
        except NotOnThisEngine as error:
            told["impossible"] = str(error)
        except (HarnessError, NotFelt, redis.RedisError) as error:
            told["why"] = f"{type(error).__name__}: {error}"
        faults = bench.history.of(source="fault", kind="injected")
        told["proof"] = "; ".join(str(o["proof"]) for o in faults)
        told["bites"] = told["bites"] and bool(faults) and all(o["bit"] for o in faults)
        try:
            told["works_after_s"] = bench.work_off()
            told["heals"] = True
        except (HarnessError, redis.RedisError) as error:
            told["why"] += f" After it: {error}"
        told["seconds"] = time.monotonic() - begin
        bench.close()
        if not (told["bites"] and told["heals"]) and "impossible" not in told:
            self._stack.stop()
            self._stack = None
        return told

    def close(self) -> None:
        """End the application and all that was started for it."""
        if self._stack is not None:
            self._stack.stop()
        self._engine.close()
