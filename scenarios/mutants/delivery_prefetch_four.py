"""A worker reserves four messages behind the running one, Celery's own default."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="delivery-prefetch-four",
    contract="delivery.reserved-runs-once",
    why="A timeout above the longest job looks safe, and early ack safer still; the "
    "reserved messages wait for four of the longest.",
    overlay=(
        Replace(
            path="reference_app/broker.py",
            old="    worker_prefetch_multiplier=1,\n"
            "    worker_disable_prefetch=True,\n",
            new="",
        ),
        Replace(
            path="reference_app/broker.py",
            old="HELD_S = 30\n",
            new="HELD_S = 10\n",
        ),
    ),
)
