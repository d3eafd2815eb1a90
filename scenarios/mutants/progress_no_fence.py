"""A process that was given up goes on, and its events are taken like any other."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="progress-no-fence",
    contract="progress.attempts-are-told-apart",
    why="Frozen or cut off for long, it wakes up beside its successor, and the bar "
    "jumps to and fro between the two.",
    overlay=(
        Replace(
            path="reference_app/patterns/progress.py",
            old="if newer > 0 then return 0 end\n",
            new="",
        ),
        Replace(
            path="reference_app/context.py",
            old="given_up = job.ended or job.attempt != self.attempt",
            new="given_up = job.ended",
        ),
    ),
)
