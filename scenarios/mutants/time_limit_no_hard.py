"""The message carries a soft limit only, which a stuck process never hears."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="time-limit-no-hard",
    contract="time_limit.hard-limit-kills",
    why="A job stuck in native code holds its worker for ever.",
    overlay=(
        Replace(
            path="reference_app/outbox.py",
            old="        time_limit=job.hard_limit_s,\n",
            new="",
        ),
    ),
)
