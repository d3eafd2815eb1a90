"""The fallback waits for the errors of a Redis that was stopped."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="fallback-refusals-only",
    contract="fallback.follows-policy",
    why="It was tried with `redis-cli shutdown`. A Redis that hangs raises a time-out "
    "instead, which is none of these.",
    overlay=(
        Replace(
            path="reference_app/outbox.py",
            old="    redis.OutOfMemoryError,\n    OSError,\n",
            new="    redis.OutOfMemoryError,\n",
        ),
    ),
)
