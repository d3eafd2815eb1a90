"""The Celery side of the studio: beat sends these, no user does."""

import logging

from reference_app import endings, schedule
from reference_app.broker import app
from reference_app.late_task import LEASE_S, LateTask
from reference_app.settings import settings
from reference_app.studio import workspace

log = logging.getLogger(__name__)


class CleanUpWorkspaces(LateTask):
    """Remove the workspaces that nobody has touched for long; `dry` only lists them.

    What it had no time for is left to the next one.
    """

    name = "services.tasks.cleanup_workspaces"

    def work(self, dry: bool = False) -> list[str]:
        """Return the names of what is gone, or would be."""
        schedule.claim(endings.client(), self)
        with schedule.alone(endings.client(), self, lasts_s=LEASE_S):
            return _clean_up(dry)


def _clean_up(dry: bool) -> list[str]:
    folder, age_s = settings().workspaces_dir, settings().workspace_max_age
    if dry:
        names = workspace.stale(folder, age_s)
    else:
        rest_s = settings().workspace_cleanup_rest
        names = workspace.clean(folder, age_s, rest_s=rest_s)
    log.info("%d of %s %s", len(names), folder, "are stale" if dry else "are gone")
    return names


cleanup_workspaces = app.register_task(CleanUpWorkspaces())
