"""The lock of a beat that is gone lasts for 25 minutes."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="schedule-lock-of-minutes",
    contract="schedule.returns-after-a-kill",
    why="RedBeat's own default: five times the longest sleep of a beat, 300 s.",
    overlay=(
        Replace(
            path="reference_app/beat.py",
            old="    redbeat_lock_timeout=settings().beat_lock_timeout,\n",
            new="    redbeat_lock_timeout=5 * 300,\n",
        ),
    ),
)
