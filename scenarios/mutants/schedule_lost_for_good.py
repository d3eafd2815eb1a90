"""A beat that has lost its lock never asks for it again, and goes on living."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="schedule-lost-for-good",
    contract="schedule.survives-lost-lock",
    why="The error is caught so that beat does not end, and a supervisor that would "
    "start it again has nothing to do.",
    overlay=(
        Replace(
            path="reference_app/beat.py",
            old='            log.warning("beat: lost the lock, standing by")\n'
            "            self.lock = None\n",
            new='            log.warning("beat: lost the lock, standing by")\n',
        ),
    ),
)
