"""A cancel updates the row, and the worker does not ask the row before it starts."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="cancel-row-only",
    contract="cancel.queued-never-starts",
    why="The page shows `cancelled` at once, and the job runs all the same.",
    overlay=(
        Replace(
            path="reference_app/context.py",
            old="        claimed = endings.store().start(job_id, attempt, path)\n",
            new="        claimed = endings.store().start(job_id, attempt, path) or 1\n",
        ),
    ),
)
