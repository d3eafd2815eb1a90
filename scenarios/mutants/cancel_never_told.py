"""A cancel is a revoke without terminate: a running task never hears of it."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="cancel-never-told",
    contract="cancel.running-stops",
    why="`app.control.revoke(task_id)` is what the first page on cancelling says; what "
    "has begun goes on to its end.",
    overlay=(
        Replace(
            path="reference_app/cancellation.py",
            old="    after = jobs.request_cancel(job_id)\n",
            new="    if before.state is State.STARTED:\n"
            "        from reference_app.broker import app\n\n"
            "        app.control.revoke(job_id)\n"
            '        return "cancelling"\n'
            "    after = jobs.request_cancel(job_id)\n",
        ),
    ),
)
