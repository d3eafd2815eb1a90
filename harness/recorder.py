"""What takes observations: a History does, and so does nobody at all.

The parts that watch and hurt the application need only this one method; which test's
history they write to changes with every test on a kept stack.
"""

from typing import Any, Protocol


class Recorder(Protocol):
    """Anything that takes observations; see `harness.history.History`."""

    def record(
        self,
        source: str,
        kind: str,
        job: str | None = None,
        t: float | None = None,
        **data: Any,
    ) -> Any:
        """Append one observation; `t` is in seconds since the run began, or now."""


class Unrecorded:
    """Drops every observation: between two tests, nobody asks."""

    def record(
        self,
        source: str,
        kind: str,
        job: str | None = None,
        t: float | None = None,
        **data: Any,
    ) -> None:
        """Do nothing."""
