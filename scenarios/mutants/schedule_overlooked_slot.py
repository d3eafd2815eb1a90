"""Two runs must be more than a period apart, and so every other one is dropped."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="schedule-overlooked-slot",
    contract="schedule.one-run-per-slot",
    why="A time to live of a little more than the period, to be safe.",
    overlay=(
        Replace(
            path="reference_app/patterns/single_beat.py",
            old="{every_s * spacing:.6f}",
            new="{every_s * 1.1:.6f}",
        ),
    ),
)
