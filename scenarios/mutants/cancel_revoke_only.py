"""A cancel is a revoke, which the workers that are up keep in memory."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="cancel-revoke-only",
    contract="cancel.queued-never-starts",
    why="It works in every demonstration: nobody deploys between the click and the "
    "job's turn.",
    overlay=(
        Replace(
            path="reference_app/steering/api.py",
            old="    after = _known(jobs.request_cancel(task_id), task_id)\n",
            new="    tasks.app.control.revoke(task_id)\n"
            '    return _cancel_answer(task_id, "cancelled")\n'
            "    after = before\n",
        ),
    ),
)
