"""Late ack, and a visibility timeout above the hard time limit: that holds."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="noop-late-ack",
    contract="delivery.long-job-runs-once",
    why="Jobs are acknowledged early; this one shows late ack done right.",
    overlay=(
        Replace(
            path="reference_app/broker.py",
            old="    task_acks_late=False,\n",
            new="    task_acks_late=True,\n",
        ),
    ),
    healthy=True,
)
