"""A part that runs twice, as after a scale-out or in the middle of a deployment."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Replica:
    """The second of a part.

    Args:
        role: whose command it runs, say worker.
        name: what stack, faults and history call it, say worker-2.
        api: where an API replica answers.
    """

    role: str
    name: str
    api: str
