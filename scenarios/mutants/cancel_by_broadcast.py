"""A cancel is a revoke with terminate, told to the workers that listen just now."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="cancel-by-broadcast",
    contract="cancel.is-final",
    why="It stops what runs and what waits, as long as a worker is up; during a "
    "deployment nobody hears it, and the job comes back with the next worker.",
    overlay=(
        Replace(
            path="reference_app/cancellation.py",
            old="    after = jobs.request_cancel(job_id)\n",
            new="    from reference_app.broker import app\n\n"
            "    app.control.revoke(job_id, terminate=True)\n"
            '    return "cancelling"\n'
            "    after = before\n",
        ),
    ),
)
