"""The fallback schedules the function without the limit that Celery would enforce."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="fallback-no-soft-limit",
    contract="fallback.same-to-the-user",
    why="Limits are options of the Celery task; whoever calls the function directly "
    "has none, and the job is cut off at the last limit instead of cleaning up.",
    overlay=(
        Replace(
            path="reference_app/local_path.py",
            old="            args=[job.id, attempt, place, job.soft_limit_s],\n",
            new="            args=[job.id, attempt, place, None],\n",
        ),
    ),
)
