"""Applies a law to a history, and doubts the result where doubt is due.

A law that crashed, a situation that never arose, a scenario that broke off, a fault
that hit nothing, a machine that stalled, a service that we kept from the application:
inconclusive.
"""

import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from harness.contract import Contract
from harness.heartbeat import EVERY_S, LATE_S
from harness.history import History, Observation
from harness.outside import describe_refused
from harness.verdict import Status, Verdict, inconclusive

#: A stall of more than this part of a bound could have decided the verdict.
STALL_PART = 0.5

#: Seconds between two beats that are no stall, whatever the bound.
NOISE_S = EVERY_S + LATE_S


class _WatchedBounds(Mapping[str, float]):
    """Bounds that remember which of them the law looked at."""

    def __init__(self, values: Mapping[str, float]) -> None:
        self._values = values
        self.used: set[str] = set()

    def __getitem__(self, name: str) -> float:
        value = self._values[name]
        self.used.add(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def judge(
    contract: Contract,
    history: History,
    bounds: Mapping[str, float] | None = None,
) -> Verdict:
    """Return the verdict of one contract on one history.

    Args:
        contract: the law.
        history: what was observed.
        bounds: in place of defaults; None takes those written in the history.

    Raises:
        ContractError: `bounds` names a bound that the contract does not have.
    """
    if bounds is None:
        bounds = (history.run.get("bounds") or {}).get(contract.id)
    watched = _WatchedBounds(contract.values(bounds))
    try:
        verdict = contract.check(history, watched)
    except Exception as error:  # noqa: BLE001  # a crashed law has said nothing
        return inconclusive(
            f"The law itself crashed: {type(error).__name__}: {error}",
            expected="a verdict",
            observed=_where(error),
        )
    refused = _refused(history)
    if refused:
        return replace(refused, measured=verdict.measured)
    broken_off = _broken_off(history)
    if broken_off and verdict.status is not Status.VIOLATED:
        return replace(broken_off, measured=verdict.measured)
    in_seconds = [watched[n] for n in watched.used if contract.bounds[n].unit == "s"]
    doubt = _unbitten(history)
    if doubt is None and not contract.leaves_out_stalls:
        doubt = _stalled(history, in_seconds)
    if doubt is None:
        return verdict
    firm = verdict.status is Status.VIOLATED and not (verdict.timed and doubt.timed)
    if firm or verdict.status is Status.INCONCLUSIVE:
        return verdict
    return replace(doubt, measured=verdict.measured, timed=False)


def _broken_off(history: History) -> Verdict | None:
    for o in history.of(source="harness"):
        if o.kind in ("never_happened", "crashed"):
            return inconclusive(
                str(o.get("text")),
                expected="the scenario runs to its end",
                observed=f"it broke off at {o.t:.2f} s",
                evidence=(o.line,),
                job=o.job,
            )
    return None


def _refused(history: History) -> Verdict | None:
    """Return a doubt where the guard, not the application, may have caused it all."""
    for o in history.of(source="ledger", kind="refused"):
        return inconclusive(
            describe_refused(o.data),
            expected="the application reaches nothing but the stack and allow_hosts",
            observed=f"refused at {o.t:.2f} s",
            evidence=(o.line,),
        )
    return None


def _unbitten(history: History) -> Verdict | None:
    # A situation that dealt the same again, and hit then, has what it set out to have.
    made_up = {o["line"] for o in history.of(source="harness", kind="dealt_again")}
    for fault in history.of(source="fault", kind="injected"):
        if not fault.get("bit") and fault.line not in made_up:
            return inconclusive(
                f"The fault {fault.get('fault')} at {fault.t:.2f} s hit nothing.",
                expected="damage to a running process",
                observed=str(fault.get("proof") or "no proof that it took effect"),
                evidence=(fault.line,),
                job=fault.job,
            )
    return None


def _stalled(history: History, in_use: Sequence[float]) -> Verdict | None:
    """Return a doubt where the harness stood still too long for the bounds in use."""
    if not in_use:
        return None
    begin, end = _window(history)
    # Smaller gaps are the scheduler's noise; the heartbeat does not record them.
    limit_s = max(NOISE_S, STALL_PART * min(in_use))
    late = [
        stall
        for stall in history.stalls(above_s=limit_s)
        if stall.t >= begin and stall.since_t <= end
    ]
    if not late:
        return None
    worst = max(late, key=lambda stall: stall.took_s)
    return inconclusive(
        f"Machine stalled: the harness itself stood still for {worst.took_s:.2f} s.",
        expected=f"no gap above {limit_s:.2f} s, half the smallest bound in use",
        observed=f"{worst.took_s:.2f} s until {worst.t:.2f} s",
        evidence=(worst.line,),
        timed=True,
    )


def _window(history: History) -> tuple[float, float]:
    """Return the times of the first and the last observation of any job."""
    times = [o.t for o in history.observations if _is_about_a_job(o)]
    return min(times, default=0.0), max(times, default=0.0)


def _is_about_a_job(o: Observation) -> bool:
    return o.job is not None and o.source != "harness"


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-2:]
    return " < ".join(f"{f.name} ({f.filename}:{f.lineno})" for f in reversed(frames))
