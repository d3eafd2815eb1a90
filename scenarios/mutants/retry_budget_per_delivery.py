"""A message that is delivered anew brings a new budget of retries."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="retry-budget-per-delivery",
    contract="retry.permanent-errors-are-not-retried",
    why="Celery counts retries in the message: what puts a message back as it was, a "
    "lost process or a timeout, puts the count back, too.",
    overlay=(
        Replace(
            path="reference_app/jobs.py",
            old='            counts = {"lost": _jobs.c.lost + 1}\n',
            new='            counts = {"lost": _jobs.c.lost + 1, "retries": 0}\n',
        ),
    ),
)
