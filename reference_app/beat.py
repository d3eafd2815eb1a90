"""The beat process: Celery's schedule, and the reconciler on every tick."""

from typing import Any

from celery.apps.beat import Beat
from celery.beat import PersistentScheduler

from reference_app.broker import app
from reference_app.reconcile import Reconciler
from reference_app.settings import settings


class ReconcilingScheduler(PersistentScheduler):
    """Celery's scheduler, which also looks for jobs that nobody else can end."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._reconciler = Reconciler(settings())
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due, reconcile, and return the seconds until the next tick."""
        wait_s: float = super().tick(*args, **kwargs)
        self._reconciler.run_if_due()
        return min(wait_s, self._reconciler.interval_s)


def main() -> None:
    """Run beat until SIGTERM; a Redis outage does not end it."""
    folder = settings().data_dir
    folder.mkdir(parents=True, exist_ok=True)
    Beat(
        app=app,
        loglevel="INFO",
        schedule=str(folder.resolve() / "beat-schedule"),
        scheduler_cls=ReconcilingScheduler,
        quiet=True,
    ).run()
