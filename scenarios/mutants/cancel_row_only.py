"""A cancel updates the row, and the worker does not ask the row before it starts."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="cancel-row-only",
    contract="cancel.queued-never-starts",
    why="The page shows `cancelled` at once, and the job runs all the same.",
    overlay=(
        Replace(
            path="reference_app/context.py",
            old="        job = endings.store().start(job_id, attempt, path)\n",
            new="        job = endings.store().start(job_id, attempt, path)\n"
            "        if job is None:\n"
            "            from dataclasses import replace\n"
            "\n"
            "            row = endings.store().get(job_id)\n"
            "            job = row and replace(row, path=path, attempt=attempt or 1)\n",
        ),
    ),
)
