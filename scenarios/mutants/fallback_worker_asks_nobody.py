"""The worker runs what it is sent, without claiming the job's row first."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="fallback-worker-asks-nobody",
    contract="fallback.ambiguous-publish-runs-once",
    why="The publish raised a time-out, so there is no message: but Redis had it, and "
    "hands it out when it wakes up.",
    overlay=(
        Replace(
            path="reference_app/context.py",
            old="        if job is None:\n"
            '            log.info("%s is not to be run here: nothing to do", job_id)\n'
            "            return\n",
            new="        if job is None:\n"
            "            from dataclasses import replace\n"
            "\n"
            "            row = endings.store().get(job_id)\n"
            "            job = row and replace(row, path=path, attempt=attempt or 1)\n",
        ),
    ),
)
