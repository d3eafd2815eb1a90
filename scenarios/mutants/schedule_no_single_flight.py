"""A run does not look whether the last one is over."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="schedule-no-single-flight",
    contract="schedule.no-overlap",
    why="It takes a second when it is written, and two hours a year later.",
    overlay=(
        Replace(
            path="reference_app/studio/tasks.py",
            old="        with schedule.alone(endings.client(), self, "
            "lasts_s=LEASE_S):\n"
            "            return _clean_up(dry)\n",
            new="        return _clean_up(dry)\n",
        ),
    ),
)
