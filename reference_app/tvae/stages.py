"""How a job of a machine tells where it is: stages, epochs, percent."""

from typing import Any, Protocol

#: 100 comes with the ending only.
ALMOST_DONE = 99


class Context(Protocol):
    """What a job function is given; reference_app.context.JobContext is one."""

    job_id: str
    attempt: int

    def report(
        self, percent: float, message: str, *, force: bool = False, **data: Any
    ) -> None:
        """Show progress; the context throttles it."""

    def check_cancelled(self) -> None:
        """Raise when the job is not wanted any more."""

    def mark(self, name: str) -> None:
        """Write a named moment down, for whoever counts what really ran."""


def tell(
    ctx: Context, machine_id: str, percent: float, stage: str, text: str, **data: Any
) -> None:
    """Report a stage; not throttled."""
    ctx.report(percent, text, force=True, machine_id=machine_id, stage=stage, **data)


def tell_epoch(
    ctx: Context, machine_id: str, epoch: int, epochs: int, loss: float | None
) -> None:
    """Report one epoch of a training; not throttled. A loss of None is not known."""
    told = "unknown" if loss is None else f"{loss:.4f}"
    tell(
        ctx,
        machine_id,
        min(ALMOST_DONE, 100 * epoch / epochs),
        "training",
        f"Epoch {epoch}/{epochs}, Loss: {told}",
        current=epoch,
        total=epochs,
        epoch=epoch,
        loss=loss,
    )
