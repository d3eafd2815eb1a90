"""A visibility timeout below the longest countdown."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="retry-timeout-below-pause",
    contract="retry.long-wait-runs-once",
    why="`With early ack nothing can come back`: but a message that waits for its time "
    "is not acknowledged yet.",
    overlay=(
        Replace(
            path="reference_app/broker.py",
            old="HELD_S = 30\n",
            new="HELD_S = 10\n",
        ),
    ),
)
