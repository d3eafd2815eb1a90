"""`queueproof walk`: users and bad luck in random order; the shortest way to fail."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from harness.engines.choice import ENGINES
from harness.errors import TargetError
from harness.run import Run, run_folder
from harness.target_file import load, need_target
from harness.walk import STEPS, Step, Walked, Walker, store, stored

EPILOG = """Examples:

\b
queueproof walk                          five walks of up to twelve steps
queueproof walk --walks 100 --seed 7     longer, and another way
queueproof walk --replay .qp/latest/shortest.json

A walk that breaks a promise is made as short as --shrink seconds allow and stored.

Undecided: a blow that hit nothing, say; what is violated is told all the same.

Exit codes: 0 nothing violated, 1 violated, 2 wrong use, 4 the harness failed.
"""


class _Violated(AssertionError):
    """A walk broke a promise; this makes Hypothesis look for a shorter one."""


@click.command(epilog=EPILOG)
@click.option("--walks", default=5, show_default=True, help="How many walks.")
@click.option("--steps", default=12, show_default=True, help="Steps of one, at most.")
@click.option("--seed", default=1, show_default=True, help="Another seed, other walks.")
@click.option(
    "--shrink",
    default=300.0,
    show_default=True,
    help="Seconds to look for a shorter walk that fails, too.",
)
@click.option(
    "--replay",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="A stored walk, instead.",
)
@click.option("--target", type=click.Path(dir_okay=False, exists=True, path_type=Path))
@click.option("--mutant", help="Break the application in this way.")
@click.option("--engine", type=click.Choice(ENGINES), default=ENGINES[0])
@click.option("--run-dir", help="Where everything goes; default: .qp/runs/...")
def walk(
    walks: int,
    steps: int,
    seed: int,
    shrink: float,
    replay: Path | None,
    target: Path | None,
    mutant: str | None,
    engine: str,
    run_dir: str | None,
) -> None:
    """Submit, cancel, reconnect, kill, freeze, cut and restart, in random order.

    Whatever is done: each job ends once and is executed no more often than declared,
    its progress never goes back, its result is there when it is announced, and at the
    end no message, no execution and no dead part is left over.
    """
    from harness.mutant import find_mutant

    path = target or need_target(Path.cwd())
    run = Run(
        load(path),
        lambda: run_folder(Path.cwd(), run_dir),
        engine=engine,
        mutant=find_mutant(mutant, path.parent / "mutants") if mutant else None,
    )
    console = Console(stderr=True, highlight=False)
    again = f"queueproof walk --replay {os.path.relpath(run.folder)}/shortest.json"
    again += f" --target {path}" if target else ""
    again += f" --mutant {mutant}" if mutant else ""
    teller = _Teller(console, Walker(run, again))
    try:
        if replay:
            failed = teller.walk(stored(replay))
        else:
            failed = _shortest(teller, walks, steps, seed, shrink)
        if failed:
            store(run.folder / "shortest.json", teller.shortest)
    finally:
        run.close()
    run.write(walks=teller.count, seed=seed)
    if not failed:
        click.echo(teller.summary())
        return
    click.echo(f"violated after {len(teller.shortest)} steps:")
    for step in teller.shortest:
        click.echo(f"  {step}")
    for problem in failed.problems:
        click.echo(problem)
    click.echo(
        f"history  {os.path.relpath(failed.folder)}/history.jsonl\nagain    {again}"
    )
    raise SystemExit(1)


class _Teller:
    """Walks, says so, and remembers: a walk that was walked is not walked again."""

    def __init__(self, console: Console, walker: Walker) -> None:
        self._console, self._walker = console, walker
        self._known: dict[tuple[Step, ...], Walked] = {}
        self.count = self.taken = 0
        self.shortest: list[Step] = []
        #: When the first failed, by the monotonic clock; None while none did.
        self.failed_s: float | None = None

    def known(self, steps: Sequence[Step]) -> Walked | None:
        return self._known.get(tuple(steps))

    def summary(self) -> str:
        """Return what came of all walks, where no promise was broken."""
        missing = sum(bool(walked.undecided) for walked in self._known.values())
        text = f"{self.count} walks, {self.taken} steps: no promise was broken"
        return text + (f"; after {missing} some were undecided" if missing else "")

    def walk(self, steps: Sequence[Step]) -> Walked | None:
        """Return what is wrong with it, None if nothing is."""
        walked = self.known(steps)
        if walked is None:
            began_s = time.monotonic()
            walked = self._known[tuple(steps)] = self._walker.walk(steps)
            self.count, self.taken = self.count + 1, self.taken + len(steps)
            outcome = "undecided" if walked.undecided else "held"
            outcome = "violated" if walked.problems else outcome
            self._console.print(
                f"{outcome:<9} {time.monotonic() - began_s:5.1f} s  "
                + ", ".join(map(str, steps)),
                markup=False,
                soft_wrap=True,
            )
        if not walked.problems:
            return None
        self.failed_s = self.failed_s or time.monotonic()
        if not self.shortest or len(steps) <= len(self.shortest):
            self.shortest = list(steps)
        return walked


def _shortest(
    teller: _Teller, walks: int, steps: int, seed: int, shrink_s: float
) -> Walked | None:
    """Walk; return the shortest walk that failed, None if none did."""
    try:
        import hypothesis
        from hypothesis import HealthCheck, Phase, strategies
    except ImportError as error:
        raise TargetError(
            "Walks are made by Hypothesis. Remedy: pip install 'queueproof[walk]'."
        ) from error
    first = strategies.just(Step("submit"))
    step = strategies.builds(
        Step, strategies.sampled_from(sorted(STEPS)), strategies.integers(0, 4)
    )
    # Of a drawn length: lists as they come are short.
    lengths = strategies.integers(0, steps - 1)
    rest = lengths.flatmap(lambda n: strategies.lists(step, min_size=n, max_size=n))
    ways = strategies.tuples(first, rest)

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=walks,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=tuple(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )
    @hypothesis.given(ways)
    def each(way: tuple[Step, list[Step]]) -> None:
        taken = [way[0], *way[1]]
        over = teller.failed_s is not None and (
            time.monotonic() - teller.failed_s > shrink_s
        )
        if over and teller.known(taken) is None:
            return  # as if it held: what is known is short enough
        if teller.walk(taken):
            raise _Violated

    try:
        each()
    except _Violated:
        return teller.known(teller.shortest)
    return None
