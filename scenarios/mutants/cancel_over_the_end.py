"""A cancel writes the state, and does not look at what it was."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="cancel-over-the-end",
    contract="cancel.hits-only-its-job",
    why="`job.status = 'cancelled'; job.save()`: a click that comes too late takes the "
    "result away.",
    overlay=(
        Replace(
            path="reference_app/cancellation.py",
            old="    if before.ended:\n",
            new="    if before.state is State.COMPLETED:\n"
            "        from sqlalchemy import update\n\n"
            "        from reference_app.database import jobs as rows\n\n"
            "        change = update(rows).where(rows.c.id == job_id)\n"
            "        with jobs.engine.begin() as connection:\n"
            "            connection.execute(change.values(state=State.CANCELLED))\n"
            '        return "cancelled"\n'
            "    if before.ended:\n",
        ),
    ),
)
