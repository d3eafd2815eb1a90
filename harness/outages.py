"""From when to when a part was out that others need: faults and their healing."""

from dataclasses import dataclass

from harness.history import History, Observation

#: Faults after which a part is out until they are healed. A slow link is none: a part
#: behind it is late, and a bound is there to tell whether too late.
LASTING = frozenset(
    {
        *("pause", "pause_writes", "redis_stop", "redis_restart", "no_answers"),
        *("black_hole", "refuse", "disk_full", "api_restart"),
    }
)

#: Those that end the API itself. A submit meanwhile is answered by nobody.
_ENDINGS = frozenset({"api_restart"})


@dataclass(frozen=True)
class Outage:
    """One outage, `begin` to `end` in seconds; one that was not healed has no end."""

    fault: Observation
    role: str
    begin: float
    end: float

    @property
    def hurts_submits(self) -> bool:
        """Whether an API that answers could not use its broker as ever."""
        mine = self.role == "redis" or self.role.startswith("api")
        return mine and self.fault.get("fault") not in _ENDINGS


def outages(history: History) -> list[Outage]:
    """Return the outages of parts, those of single children left out, in order."""
    found = []
    for fault in history.of(source="fault", kind="injected"):
        role = (fault.get("victim") or {}).get("role")
        name = str(fault.get("fault"))
        lasting = bool(fault.get("bit")) and name in LASTING
        if not lasting or role in ("child", None):
            continue
        found.append(Outage(fault, role, fault.t, healed_t(history, fault)))
    return sorted(found, key=lambda outage: outage.begin)


def healed_t(history: History, fault: Observation) -> float:
    """Return when a fault was healed, infinity where it never was."""
    role = (fault.get("victim") or {}).get("role")
    ends = [
        healed.t
        for healed in history.of(source="fault", kind="healed")
        if healed.get("fault") == fault.get("fault")
        and healed.get("role") in (role, None)
        and healed.t >= fault.t
    ]
    return min(ends, default=float("inf"))
