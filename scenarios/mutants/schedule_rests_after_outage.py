"""A beat that has met an error of Redis leaves it in peace for a minute."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="schedule-rests-after-outage",
    contract="schedule.survives-lost-lock",
    why="A pause against thousands of lines of log in an outage; it is as long after "
    "the shortest of them, and the jobs that nobody ends wait for it too.",
    overlay=(
        Replace(
            path="reference_app/beat.py",
            old="            self._say(_told(error))\n",
            new="            self._say(_told(error))\n            return 60.0\n",
        ),
    ),
)
