"""A part that runs twice, as after a scale-out or in the middle of a deployment."""

from dataclasses import dataclass

from harness.links import BROKER


@dataclass(frozen=True)
class Replica:
    """The second of a part.

    Args:
        role: whose command it runs, say worker.
        name: what stack, faults and history call it, say worker-2. Where it is linked
            that is its link, too.
        api: where an API replica answers.
    """

    role: str
    name: str
    api: str

    @property
    def broker_link(self) -> str:
        """Return the link of its broker alone, where it is linked."""
        return f"{self.name}{BROKER}"
