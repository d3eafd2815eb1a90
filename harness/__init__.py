"""queueproof's public API. Names load when they are first used, so this is cheap.

In a scenario the fixtures do the work; this is what mutants, target objects and other
programs need.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.agent import Agent as Agent
    from harness.contract import Bound as Bound
    from harness.contract import Contract as Contract
    from harness.contract import find_contract as find_contract
    from harness.driver import Driver as Driver
    from harness.engines.choice import open_engine as open_engine
    from harness.errors import ContractError as ContractError
    from harness.errors import HarnessError as HarnessError
    from harness.errors import MutantError as MutantError
    from harness.errors import NeverHappened as NeverHappened
    from harness.errors import NotApplicable as NotApplicable
    from harness.errors import NotOnThisEngine as NotOnThisEngine
    from harness.errors import StackError as StackError
    from harness.errors import TargetError as TargetError
    from harness.errors import TooSlow as TooSlow
    from harness.faults import Faults as Faults
    from harness.foreign_stack import ForeignStack as ForeignStack
    from harness.history import History as History
    from harness.history import Observation as Observation
    from harness.mutant import Mutant as Mutant
    from harness.mutant import Replace as Replace
    from harness.mutant import load_mutants as load_mutants
    from harness.probes import Probes as Probes
    from harness.stack import Stack as Stack
    from harness.subscriber import Subscriber as Subscriber
    from harness.target import Target as Target
    from harness.verdict import ExitCode as ExitCode
    from harness.verdict import Status as Status
    from harness.verdict import Verdict as Verdict
    from harness.wait import wait_until as wait_until

#: Name -> the module it lives in.
_HOMES = {
    "Agent": "agent",
    "Bound": "contract",
    "Contract": "contract",
    "ContractError": "errors",
    "Driver": "driver",
    "ExitCode": "verdict",
    "Faults": "faults",
    "ForeignStack": "foreign_stack",
    "HarnessError": "errors",
    "History": "history",
    "Mutant": "mutant",
    "MutantError": "errors",
    "NeverHappened": "errors",
    "NotApplicable": "errors",
    "NotOnThisEngine": "errors",
    "Observation": "history",
    "Probes": "probes",
    "Replace": "mutant",
    "Stack": "stack",
    "StackError": "errors",
    "Status": "verdict",
    "Subscriber": "subscriber",
    "Target": "target",
    "TargetError": "errors",
    "TooSlow": "errors",
    "Verdict": "verdict",
    "find_contract": "contract",
    "load_mutants": "mutant",
    "open_engine": "engines.choice",
    "wait_until": "wait",
}

__all__ = [
    "Agent",
    "Bound",
    "Contract",
    "ContractError",
    "Driver",
    "ExitCode",
    "Faults",
    "ForeignStack",
    "HarnessError",
    "History",
    "Mutant",
    "MutantError",
    "NeverHappened",
    "NotApplicable",
    "NotOnThisEngine",
    "Observation",
    "Probes",
    "Replace",
    "Stack",
    "StackError",
    "Status",
    "Subscriber",
    "Target",
    "TargetError",
    "TooSlow",
    "Verdict",
    "find_contract",
    "load_mutants",
    "open_engine",
    "wait_until",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
