"""What a contract is: a law with an id, and the registry of all of them.

A law is a pure function of a history: no clock, no network, no randomness. It is
registered where it is written, and wrong declarations are refused there.
"""

import difflib
import functools
import importlib
import pkgutil
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from harness.errors import ContractError
from harness.history import History
from harness.verdict import Verdict

#: The rooms of the catalogue; the first half of a contract's id.
ROOMS = (
    *("submit", "routing", "delivery", "time_limit", "cancel", "progress", "terminal"),
    *("replay", "result", "retry", "fallback", "schedule", "shutdown", "broker"),
    *("memory", "security", "capacity"),
)

_ID = re.compile(r"(?P<room>[a-z_]+)\.[a-z0-9]+(-[a-z0-9]+)*")
_CODE = re.compile(r"[A-Z]{3,5}-\d{3}")

#: A claim says what is so, not what ought to be.
_WISHES = ("should", "must", "shall", "will", "ought")

Check = Callable[[History, Mapping[str, float]], Verdict]


@dataclass(frozen=True)
class Bound:
    """A number a law uses: its default, its unit, and why it has this value."""

    default: float
    unit: str
    why: str


@dataclass(frozen=True)
class Contract:
    """A promise to users, and the law that judges it.

    Args:
        id: `room.claim-that-holds`.
        code: its number in the catalogue, such as PROG-002.
        claim: one sentence in the present tense.
        user_sees: what a user meets when it is broken, in their words.
        likely: the likeliest cause, a guess and labelled so.
        source: where the claim comes from.
        needs: what a target must have: app, api, worker, beat, socket, journal, job,
            fallback, flag.
        bounds: the numbers it uses.
        check: the law.
        leaves_out_stalls: the law takes no notice of what happened while the harness
            itself stood still; any other is not believed where that was long.
    """

    id: str
    code: str
    claim: str
    user_sees: str
    likely: str
    source: str
    check: Check
    needs: tuple[str, ...] = ()
    bounds: Mapping[str, Bound] = field(default_factory=lambda: MappingProxyType({}))
    leaves_out_stalls: bool = False

    @property
    def room(self) -> str:
        """Return the first half of its id: the file it lives in."""
        return self.id.partition(".")[0]

    def values(self, overrides: Mapping[str, float] | None = None) -> dict[str, float]:
        """Return its bounds as numbers, the target's in place of the defaults.

        Raises:
            ContractError: an override names no bound of this contract.
        """
        overrides = overrides or {}
        for name in overrides:
            if name not in self.bounds:
                raise ContractError(
                    f"{self.id} has no bound {name!r}{_nearest(name, self.bounds)}. "
                    f"Its bounds: {', '.join(self.bounds) or 'none'}."
                )
        return {
            name: float(overrides.get(name, bound.default))
            for name, bound in self.bounds.items()
        }


_registry: dict[str, Contract] = {}


def contract(
    *,
    id: str,
    code: str,
    claim: str,
    user_sees: str,
    likely: str,
    source: str,
    needs: tuple[str, ...] = (),
    bounds: Mapping[str, Bound] | None = None,
    leaves_out_stalls: bool = False,
) -> Callable[[Check], Check]:
    """Register the decorated function as the law of a contract.

    Raises:
        ContractError: the id or code is malformed or taken, or the claim is a wish.
    """

    def register(check: Check) -> Check:
        made = Contract(
            *(id, code, claim, user_sees, likely, source, check, needs),
            bounds or {},
            leaves_out_stalls,
        )
        _validate(made)
        _registry[id] = made
        return check

    return register


def _validate(new: Contract) -> None:
    match = _ID.fullmatch(new.id)
    if match is None:
        raise ContractError(
            f"Expected an id like 'terminal.exactly-one', but got {new.id!r}."
        )
    if new.room not in ROOMS:
        raise ContractError(
            f"{new.id}: there is no room {new.room!r}{_nearest(new.room, ROOMS)}. "
            f"Rooms: {', '.join(ROOMS)}."
        )
    if _CODE.fullmatch(new.code) is None:
        raise ContractError(f"{new.id}: expected a code like PROG-002, got {new.code}.")
    for other in _registry.values():
        if new.id == other.id or new.code == other.code:
            raise ContractError(
                f"{new.id} ({new.code}): taken by {other.id} ({other.code}). "
                "Ids and codes are never reused."
            )
    for name in ("claim", "user_sees", "likely", "source"):
        if not getattr(new, name).strip():
            raise ContractError(f"{new.id}: `{name}` is empty. Say it in a sentence.")
    for word in _WISHES:
        if re.search(rf"\b{word}\b", new.claim, re.IGNORECASE):
            raise ContractError(
                f"{new.id}: the claim says {word!r}: {new.claim!r}. "
                "Say what is so, in the present tense."
            )


def contracts() -> tuple[Contract, ...]:
    """Return all contracts, sorted by id."""
    _import_laws()
    return tuple(sorted(_registry.values(), key=lambda c: c.id))


@functools.cache  # a walk of the folder costs more than a law
def _import_laws() -> None:
    package = importlib.import_module("harness.contracts")
    for module in pkgutil.iter_modules(package.__path__):
        if not module.ispkg:
            importlib.import_module(f"harness.contracts.{module.name}")


def find_contract(id: str) -> Contract:
    """Return one contract.

    Raises:
        ContractError: there is none of this id; names the nearest ones.
    """
    known = {c.id: c for c in contracts()}
    if id not in known:
        near = difflib.get_close_matches(id, known, n=3, cutoff=0.4)
        meant = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise ContractError(
            f"Unknown contract {id!r}.{meant} `queueproof contracts` lists them all."
        )
    return known[id]


def _nearest(word: str, known: object) -> str:
    words = [str(w) for w in known] if isinstance(known, Mapping | tuple) else []
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}" if near else ""
