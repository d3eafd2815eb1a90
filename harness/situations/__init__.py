"""Situations that need nothing but a Celery application: arrange, disturb, let finish.

Each is a plain function whose parameters are named like the fixtures of the plugin:
`target`, `stack`, `agent`, `faults`, `probes`, `history`. It judges nothing; the
contracts named in its decorator do, from the history. `queueproof check` performs all
of them on any application; a scenario calls the one it is about:

    @pytest.mark.contract("time_limit.deployed-pool-enforces")
    def test_a_task_that_only_sleeps(agent, target, history):
        situations.time_limit.only_sleeps(agent, target, history)

A situation that this application cannot be put in raises NotApplicable with the reason.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., None])


@dataclass(frozen=True)
class Situation:
    """One situation: `name` is `room.function`, `about` its first line of text.

    `takes_s` is what it takes on a small healthy application: quick ones come first.
    `asked` ones are performed only where their name, room or contract is given.
    """

    name: str
    about: str
    contracts: tuple[str, ...]
    arrange: Callable[..., None]
    takes_s: float = 10.0
    asked: bool = False

    @property
    def room(self) -> str:
        """Return the first half of its name."""
        return self.name.partition(".")[0]

    def perform(self, **parts: Any) -> None:
        """Call it with those of `parts` that it names."""
        wanted = inspect.signature(self.arrange).parameters
        self.arrange(**{name: parts[name] for name in wanted})


_registry: dict[str, Situation] = {}


def situation(
    *contracts: str, takes_s: float = 10.0, asked: bool = False
) -> Callable[[F], F]:
    """Register the decorated function for `queueproof check`, with its contracts."""

    def register(arrange: F) -> F:
        room = arrange.__module__.rpartition(".")[2]
        name = f"{room}.{arrange.__name__}"
        about = (inspect.getdoc(arrange) or "").partition("\n")[0]
        _registry[name] = Situation(name, about, contracts, arrange, takes_s, asked)
        return arrange

    return register


def situations() -> tuple[Situation, ...]:
    """Return all situations, sorted by name."""
    return tuple(_registry[name] for name in sorted(_registry))


# At the end, because each of them registers itself above: `situations.delivery` is
# there once this package is.
for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
