"""A cancel is a revoke, which the workers that are up keep in memory."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="cancel-revoke-only",
    contract="cancel.queued-never-starts",
    why="It works in every demonstration: nobody deploys between the click and the "
    "job's turn.",
    overlay=(
        Replace(
            path="reference_app/cancellation.py",
            old="    after = jobs.request_cancel(job_id)\n",
            new="    from reference_app.broker import app\n\n"
            "    app.control.revoke(job_id)\n"
            '    return "cancelled"\n'
            "    after = before\n",
        ),
    ),
)
