"""A cancel revokes the task and tells the page; the row is written after the task."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="result-cancel-in-events-only",
    contract="result.views-agree",
    why="The row is updated in task_postrun, and a revoked task has none: the page "
    "says cancelled, and pending when it is opened again.",
    overlay=(
        Replace(
            path="reference_app/cancellation.py",
            old="    after = jobs.request_cancel(job_id)\n",
            new="    import dataclasses\n"
            "    from reference_app import events\n"
            "    from reference_app.broker import app\n"
            "    from reference_app.settings import settings\n"
            "    app.control.revoke(job_id, terminate=True)\n"
            "    gone = dataclasses.replace(before, state=State.CANCELLED)\n"
            "    ttl_s = settings().events_ttl\n"
            "    events.announce(endings.client(), jobs, gone, ttl_s)\n"
            '    return "cancelled"\n'
            "    after = before\n",
        ),
        Replace(
            path="reference_app/endings.py",
            old="@signals.task_revoked.connect\n",
            new="",
        ),
    ),
)
