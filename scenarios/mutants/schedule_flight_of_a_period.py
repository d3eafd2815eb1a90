"""The lock of a run lasts nearly a period, however long the run takes."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="schedule-flight-of-a-period",
    contract="schedule.no-overlap",
    why="So that the lock of a lost worker never costs the next run: it ends in the "
    "middle of each run that takes longer.",
    overlay=(
        Replace(
            path="reference_app/schedule.py",
            old="        free = flights.take(task.name, holder=holder, "
            "lasts_s=lasts_s)\n",
            new="        lasts_s = 0.9 * (task.request.get('every_s') or lasts_s)\n"
            "        free = flights.take(task.name, holder=holder, "
            "lasts_s=lasts_s)\n",
        ),
    ),
)
