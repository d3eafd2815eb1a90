"""The worker looks for what a dead child left, among its own children."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="time-limit-to-init",
    contract="time_limit.nothing-outlives-the-job",
    why="Orphans are the children of init, or of whoever asked to be their parent; "
    "`psutil.Process().children(recursive=True)` finds none of them.",
    overlay=(
        Replace(
            path="reference_app/patterns/orphans.py",
            old="            adopt()\n            orphans = ",
            new="            orphans = ",
        ),
    ),
)
