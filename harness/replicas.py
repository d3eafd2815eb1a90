"""Which parts of a stack have further processes, as a deployment with replicas has."""

from dataclasses import dataclass

from harness.engines import LOOPBACK
from harness.engines.redis_server import free_port
from harness.errors import StackError


@dataclass(frozen=True)
class Replica:
    """One more process of the part `of`; `api_port` is where it answers, if it does."""

    name: str
    of: str
    api_port: int


class Replicas:
    """The replicas of one stack by name: worker-2, worker-3, api-2, ..."""

    def __init__(self) -> None:
        self._replicas: dict[str, Replica] = {}
        self._number = 1

    @property
    def names(self) -> list[str]:
        """Return the roles of all replicas."""
        return list(self._replicas)

    def add(self, part: str) -> Replica:
        """Return a new one; no name is given twice, so that a history stays clear."""
        self._number += 1
        added = Replica(f"{part}-{self._number}", part, free_port())
        self._replicas[added.name] = added
        return added

    def remove(self, name: str) -> None:
        """Forget one; raises StackError where it is none."""
        if self._replicas.pop(name, None) is None:
            raise StackError(f"{name!r} is no replica. Stack.replica() starts one.")

    def part(self, role: str) -> str:
        """Return the part that a role is, or is a replica of."""
        known = self._replicas.get(role)
        return role if known is None else known.of

    def api_url(self, role: str) -> str | None:
        """Return where we reach a replica of the API; None for the API itself."""
        known = self._replicas.get(role)
        return None if known is None else f"http://{LOOPBACK}:{known.api_port}"
