"""Performs situations on any Celery application, one kept stack for all of them.

Each has a history of its own, judged by the contracts the situation names. What
comes out is `Outcome`s, and in the run (`harness.run.Run`) the verdicts as pytest
leaves them.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from harness.app_path import not_imported
from harness.contract import Contract, find_contract
from harness.errors import (
    AgentError,
    HarnessError,
    NeverHappened,
    NotApplicable,
    NotStarted,
    TargetError,
)
from harness.faults import Faults
from harness.probes import Probes
from harness.profile import Profile, on_served_queues, probe
from harness.recorder import Unrecorded
from harness.report.page import Situation as Place
from harness.report.page import failure_page
from harness.report.verdict_file import Judged
from harness.run import Run
from harness.scenario import Scenario
from harness.situations import Situation, situations
from harness.stack import Stack
from harness.verdict import PRECEDENCE, Status, Verdict, worst

#: What gives the target a part that a contract needs.
OPTIONS = {"beat": "--beat COMMAND", "job": "--job TASK=SECONDS"}


@dataclass(frozen=True)
class Outcome:
    """What became of one situation.

    `judged` is None where it is not applicable, and `why` says why; `error` is what
    broke it off, if anything did. `pages` has a page for each contract that does not
    hold.
    """

    situation: Situation
    judged: Judged | None = None
    why: str = ""
    error: str = ""
    pages: dict[str, str] = field(default_factory=dict)

    @property
    def status(self) -> Status | None:
        """Return the worst of its verdicts, None where it is not applicable."""
        if self.judged is None:
            return None
        return worst(v.status for v in self.judged.verdicts.values())


def chosen(only: Iterable[str], contracts: Iterable[str]) -> list[Situation]:
    """Return the situations of these names or rooms and contracts, quick ones first.

    Nothing given chooses all but those that want to be asked for.

    Raises:
        TargetError: there is no such situation; names the nearest one.
        ContractError: there is no such contract; names the nearest ones.
    """
    every = sorted(situations(), key=lambda s: s.takes_s)
    rooms = {s.room for s in every}
    known = {s.name for s in every} | rooms
    for word in (only := list(only)):
        if word not in known:
            near = difflib.get_close_matches(word, known, n=1, cutoff=0.4)
            hint = f"; did you mean {near[0]!r}" if near else ""
            raise TargetError(
                f"--only {word}: there is no such situation{hint}. "
                f"Known: {', '.join(sorted(known))}."
            )
    ids = {find_contract(id).id for id in contracts}
    return [
        s
        for s in every
        if (not only or {s.name, s.room} & set(only))
        and (not ids or ids & set(s.contracts))
        and (only or ids or not s.asked)
    ]


class Check:
    """One check of one application; `again` makes the command for one situation."""

    def __init__(self, run: Run, again: Callable[[Situation], str]) -> None:
        self.run = run
        self._again = again

    def profile(self) -> Profile:
        """Start the application, ask what it is, and aim at queues it serves.

        Raises:
            TargetError: it cannot be imported, its worker does not start, or nothing
                can be judged; says what to do.
            HarnessError: we failed.
        """
        target = self.run.target
        try:
            stack = self.run.stack_for(Unrecorded())
        except AgentError as error:
            if not error.cause:
                raise
            raise not_imported(target, error) from error
        except NotStarted as error:
            raise TargetError(
                f"{error}\nThe application does not start as described. Correct "
                "--command, or name with --env what it needs of its environment."
            ) from error
        found = probe(stack)
        self.run.target = stack.target = on_served_queues(target, found)
        return found

    def perform(
        self, chosen: Iterable[Situation], tell: Callable[[Situation], None]
    ) -> Iterator[Outcome]:
        """Perform one after the other; yield what became of each as it ends.

        `tell` hears of each before it begins. The first one for which the application
        cannot be started is the last.
        """
        before = ""
        for situation in chosen:
            tell(situation)
            try:
                if before:
                    self.run.release_stack(before)
                before = situation.name
                outcome = self._perform(situation)
            except HarnessError as error:
                self.run.failed(situation.name, error)
                yield Outcome(situation, error=str(error))
                return
            yield outcome

    def _perform(self, situation: Situation) -> Outcome:
        every = [find_contract(id) for id in situation.contracts]
        judged_by = [c for c in every if self.run.not_applicable(c) is None]
        if not judged_by:
            return self._refused(situation, self._lacks(every))
        scenario = Scenario(
            self.run,
            f"check::{situation.name}",
            judged_by,
            self._again(situation),
        )
        try:
            stack = self.run.stack_for(scenario.history)
            probes = Probes(stack, scenario.history)
            try:
                scenario.follow(stack, probes)
                return self._judged(situation, scenario, stack, probes)
            finally:
                probes.close()
        finally:
            scenario.close()

    def _refused(self, situation: Situation, why: str) -> Outcome:
        self.run.skip(situation.contracts, why)
        return Outcome(situation, why=why)

    def _lacks(self, every: Iterable[Contract]) -> str:
        needs = {need for contract in every for need in contract.needs}
        missing = sorted(needs - self.run.target.provides)
        say = [f"{OPTIONS[m]} if it has one" for m in missing if m in OPTIONS]
        return f"the target has no {' and no '.join(missing)}" + (
            f": say {', '.join(say)}" if say else ""
        )

    def _judged(
        self, situation: Situation, scenario: Scenario, stack: Stack, probes: Probes
    ) -> Outcome:
        history = scenario.history
        error: Exception | None = None
        try:
            situation.perform(
                target=stack.target,
                stack=stack,
                agent=stack.agent,
                faults=Faults(stack, history),
                probes=probes,
                history=history,
            )
        except NotApplicable as reason:
            return self._refused(situation, str(reason))
        except NeverHappened as never:
            error = never
        except Exception as crashed:  # noqa: BLE001  # noted: the others go on
            error = crashed
            self.run.failed(situation.name, crashed)
        judged = scenario.finish(error)
        pages = {
            c.id: failure_page(
                c,
                judged.verdicts[c.id],
                history,
                Place(judged.test, judged.again, history.path),
            )
            for c in scenario.contracts
            if judged.verdicts[c.id].status is not Status.HOLDS
        }
        return Outcome(situation, judged, error=str(error or ""), pages=pages)


def pages(outcomes: Iterable[Outcome]) -> list[str]:
    """Return a page per contract that does not hold, the worst first.

    It is of the situation that shows it worst; others are named at its end.
    """
    found: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        for id in outcome.pages:
            found.setdefault(id, []).append(outcome)
    ranked = []
    for id, shown_by in found.items():
        shown_by.sort(key=lambda o: _rank(o, id))
        first, *others = shown_by
        also = [f"{o.situation.name}: {_verdict(o, id).summary}" for o in others]
        page = "\n".join([first.pages[id], *(f"  {'also':<10} {a}" for a in also)])
        ranked.append((_rank(first, id), page))
    return [page for _, page in sorted(ranked, key=lambda pair: pair[0])]


def _verdict(outcome: Outcome, id: str) -> Verdict:
    assert outcome.judged is not None
    return outcome.judged.verdicts[id]


def _rank(outcome: Outcome, id: str) -> int:
    return PRECEDENCE.index(_verdict(outcome, id).status)
