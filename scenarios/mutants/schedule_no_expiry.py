"""What beat sent waits for a worker as long as it takes."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="schedule-no-expiry",
    contract="schedule.no-overlap",
    why="`expires` is an option of `options`, and in no example; one hour without a "
    "worker is an hour of runs to work off.",
    overlay=(
        Replace(
            path="reference_app/schedule.py",
            old='            "expires": every_s,\n',
            new="",
        ),
    ),
)
