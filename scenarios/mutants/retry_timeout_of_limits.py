"""The visibility timeout follows from the time limits alone."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="retry-timeout-of-limits",
    contract="retry.long-wait-runs-once",
    why="Where it is computed, it is computed from how long jobs take; how long they "
    "wait for their time stands in another file.",
    overlay=(
        Replace(
            path="reference_app/broker.py",
            old="    return max(HELD_S, *(1.5 * row.unacked_s for row in rows))\n",
            new="    return max(1.0, *(1.5 * row.unacked_s for row in rows))\n",
        ),
    ),
)
