"""The message carries a hard limit only."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="time-limit-no-soft",
    contract="time_limit.soft-limit-cleans-up",
    why="A job that takes too long is killed without a chance to clean up.",
    overlay=(
        Replace(
            path="reference_app/outbox.py",
            old="        soft_time_limit=job.soft_limit_s,\n",
            new="",
        ),
    ),
)
