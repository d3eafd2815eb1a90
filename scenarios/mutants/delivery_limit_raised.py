"""A late-acknowledged task is given more time, and the visibility timeout is not."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="delivery-limit-raised",
    contract="delivery.long-job-runs-once",
    why="The clean-up ran into its limit once, so the limit went up; that another file "
    "has to follow is known to who wrote it.",
    overlay=(
        Replace(
            path="reference_app/late_task.py",
            old="SOFT_S, HARD_S = 15, 20\n",
            new="SOFT_S, HARD_S = 45, 60\n",
        ),
    ),
)
