"""The worker's main process loads the weights, for its children to share."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="memory-weights-in-main",
    contract="memory.device-is-untouched-before-the-job",
    why="Loaded once instead of once per job: on a processor a good idea. On a card it "
    "is a context that no child can use, and memory that no child's end gives back.",
    overlay=(
        Replace(
            path="reference_app/worker.py",
            old="    # Celery collects garbage before each fork; "
            "what was imported is none.\n",
            new="    global weights\n    weights = b'weights.' * 64 * 2**20\n",
        ),
    ),
)
