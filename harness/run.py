"""One run of scenarios: its folder, its kept stack, the verdicts of its tests."""

import datetime
import os
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.contract import Contract, find_contract
from harness.errors import (
    ContractError,
    HarnessError,
    MutantError,
    OutsideStack,
    TargetError,
    TooSlow,
)
from harness.leftovers import leftovers
from harness.recorder import Recorder, Unrecorded
from harness.report.verdict_file import FILE_NAME, Judged, write_run
from harness.stages import at_stage, second_api
from harness.target import Target
from harness.turns import start_turn
from harness.verdict import ExitCode, Status, exit_code
from harness.wait import wait_until

if TYPE_CHECKING:
    from harness.engines import Engine
    from harness.mutant import Mutant
    from harness.stack import Stack

#: Errors that mean wrong use or a wrong description; all others mean that we failed.
WRONG_USE = (TargetError, MutantError, ContractError, OutsideStack)

#: Seconds a test's leftovers (a killed job's message, a dying child) may take to go
#: before its stack is given up; the worker notices a lost child after up to 5 s.
CLEAN_WITHIN_S = 7.0

#: Seconds a worker may take to come back after a fault; it imports what a job needs.
READY_WITHIN_S = 60.0

#: Seconds a worker that is ready may take to say what it is; some answer nobody.
TOLD_WITHIN_S = 3.0


class Run:
    """What all tests of one pytest session share.

    Args:
        target: the application under test.
        make_folder: makes the folder where everything of this run is kept; called
            when the first test needs it.
        engine: where its processes run: "process" or "container".
        mutant: how the application is broken, None for as it is.
        again: options that a command to see a failure again must carry.
        part: the folder in it for what this process writes; xdist's workers have one.
        stage: of the migration, at which the application is deployed; None: as it is
            described.
    """

    def __init__(
        self,
        target: Target,
        make_folder: Callable[[], Path],
        *,
        engine: str = "process",
        mutant: "Mutant | None" = None,
        again: str = "",
        part: str = "",
        stage: str | None = None,
    ) -> None:
        self.target = at_stage(target, stage) if stage else target
        self.stage = stage
        self._make_folder = make_folder
        self.engine_name = engine
        self.mutant = mutant
        self.again = again
        self.part = part
        self.tests: list[Judged] = []
        self.errors: list[tuple[str, bool]] = []
        self.notes: list[str] = []
        self.skips: list[tuple[str, str]] = []
        self.environment: dict[str, str] = {}
        self._engine: Engine | None = None
        self._stack: Stack | None = None
        self._beside = ExitStack()  # what runs beside it at this stage
        self._no_stack: HarnessError | None = None
        for id, overrides in target.bounds.items():
            find_contract(id).values(overrides)  # refuses what does not exist

    @cached_property
    def folder(self) -> Path:
        """Return the folder of this run, made at first use."""
        return self._make_folder()

    def not_applicable(self, contract: Contract) -> str | None:
        """Return why the target cannot be judged by this contract, None if it can."""
        missing = sorted(set(contract.needs) - self.target.provides)
        if not missing:
            return None
        return f"{contract.id} needs {', '.join(missing)}, which the target has not"

    @property
    def redis_server(self) -> str | None:
        """Return the Redis that stacks start: a binary or an image, if there is one."""
        from harness.engines.choice import redis_server

        return redis_server(self.engine_name)

    # The stack

    def stack_for(self, history: Recorder) -> "Stack":
        """Return the kept stack, started if there is none, writing to this history.

        Raises:
            HarnessError: it did not start; it is not tried again for later tests.
        """
        if self._no_stack is not None:
            raise self._no_stack
        if self._stack is not None:
            self._stack.attach(history)
            return self._stack
        from harness.engines.choice import open_engine
        from harness.stack import Stack

        try:
            if self._engine is None:
                self._engine = open_engine(self.engine_name, self.target)
            stack = Stack(
                self.target,
                self._engine,
                self.folder / self.part,
                self.mutant,
                history=history,
            )
            with start_turn():
                self._stack = stack.start()
            self._beside.enter_context(second_api(stack, self.stage))
        except HarnessError as error:
            self._no_stack = error
            raise
        if not self.environment:
            self.environment = _describe(stack)
        return stack

    def release_stack(self, test: str) -> None:
        """Keep the stack for the next test if this one left it clean, else end it."""
        stack = self._stack
        if stack is None:
            return
        stack.attach(Unrecorded())
        left: list[str] = []

        def clean() -> bool:
            left[:] = leftovers(stack)
            return not left

        try:
            wait_until(
                lambda: _worker_is_ready(stack),
                within_s=READY_WITHIN_S,
                what="the restarted worker is ready",
            )
            wait_until(clean, within_s=CLEAN_WITHIN_S, what="the stack is clean")
        except TooSlow as error:
            left = left or [str(error)]
            self.notes.append(f"stack replaced after {test}: {'; '.join(left)}")
            self._end_stack()

    def _end_stack(self) -> None:
        stack, self._stack = self._stack, None
        if stack is not None:
            self._beside.close()
            stack.stop()

    def close(self) -> None:
        """End the stack and all that was started."""
        self._end_stack()
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    # The verdicts

    @property
    def statuses(self) -> list[Status]:
        """Return the status of every verdict of the run."""
        return [v.status for test in self.tests for v in test.verdicts.values()]

    @property
    def exit_code(self) -> ExitCode:
        """Return violated before harness failed before inconclusive before holds."""
        code = exit_code(self.statuses)
        if code is ExitCode.VIOLATED or not self.errors:
            return code
        wrong_use = all(wrong for _, wrong in self.errors)
        return ExitCode.WRONG_USE if wrong_use else ExitCode.HARNESS_FAILED

    def failed(self, test: str, error: BaseException) -> None:
        """Note that a test ended by an error that is no verdict."""
        text = f"{test}: {type(error).__name__}: {error}"
        self.errors.append((text, isinstance(error, WRONG_USE)))

    def skip(self, ids: Iterable[str], why: str) -> None:
        """Note that these contracts cannot be asked of the target, and why."""
        self.skips += [(id, why) for id in ids]

    @property
    def skipped(self) -> dict[str, str]:
        """Return {contract: reason} of those not applicable that no test judged."""
        judged = {id for test in self.tests for id in test.verdicts}
        first_last = reversed(self.skips)  # the first reason of each is told
        return {id: why for id, why in first_last if id not in judged}

    @property
    def about(self) -> dict[str, str]:
        """Return how the run was done, for the foot of the table."""
        mutant = f"{self.mutant.name} ({self.mutant.contract})" if self.mutant else ""
        return {
            "engine": self.engine_name,
            **self.environment,
            "mutant": mutant,
            "stage": self.stage or "",
            "run": os.path.relpath(self.folder),
        }

    def write(self, **more: Any) -> None:
        """Write the run's verdicts.json; `more` is said of the run beside them."""
        write_run(
            self.folder / FILE_NAME,
            self.tests,
            exit_code=self.exit_code,
            errors=[text for text, _ in self.errors],
            not_applicable=self.skipped,
            engine=self.engine_name,
            mutant=self.mutant.name if self.mutant else None,
            healthy=self.mutant.healthy if self.mutant else None,
            environment=self.environment,
            notes=self.notes,
            **more,
        )


def run_name() -> str:
    """Return a name for a run that starts now."""
    return f"{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%S}-{os.getpid()}"


def run_folder(root: Path, given: str | None = None, name: str | None = None) -> Path:
    """Make `given`, or else `.qp/runs/<name>`, to which `.qp/latest` points."""
    if given:
        chosen = Path(given).resolve()
        chosen.mkdir(parents=True, exist_ok=True)
        return chosen
    folder = root / ".qp" / "runs" / (name or run_name())
    folder.mkdir(parents=True, exist_ok=True)
    link = root / ".qp" / f"latest.{os.getpid()}"
    link.parent.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(os.path.relpath(folder, link.parent), target_is_directory=True)
    link.replace(link.with_name("latest"))
    return folder


def _worker_is_ready(stack: "Stack") -> bool:
    if "worker" not in stack.target.commands:
        return True
    return stack.is_ready("worker")


def _describe(stack: "Stack") -> dict[str, str]:
    """Return versions as the application's own interpreter sees them, and the pool."""
    seen = stack.agent.describe()
    versions = {name: str(seen.get(name, "")) for name in ("python", "celery", "kombu")}
    return {**versions, "pool": _deployed_pool(stack), "redis": _redis_server(stack)}


def _redis_server(stack: "Stack") -> str:
    """Return name and version of the server, and its binary."""
    from harness.probes.redis import server_version

    binary = stack.process("redis").command.argv[0]
    where = os.path.relpath(binary) if os.path.isabs(binary) else binary
    return f"{server_version(stack.urls.broker)} ({where})"


def _deployed_pool(stack: "Stack") -> str:
    """Return the pool as started, not as configured; empty where nobody answers."""
    if "worker" not in stack.target.commands:
        return ""
    try:
        # One worker is deployed; waiting for more would cost every start half a second.
        # It listens to questions an instant after it is ready: one may get lost.
        answers = wait_until(
            lambda: stack.agent.inspect("stats", timeout_s=0.3, limit=1),
            within_s=TOLD_WITHIN_S,
            what="the worker says what it is",
        )
    except TooSlow:
        return ""
    names = {str(stats["pool"]["implementation"]) for stats in answers.values()}
    return ", ".join(sorted(n.split(":")[0].rsplit(".", 1)[-1] for n in names))
