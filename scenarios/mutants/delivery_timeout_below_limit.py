"""Late ack, and a visibility timeout below the hard time limit."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="delivery-timeout-below-limit",
    contract="delivery.long-job-runs-once",
    why="`A lost job comes back soon`, says the short timeout; so does one that is not "
    "lost. With Celery's own hour it is any job with a limit above an hour.",
    overlay=(
        Replace(
            path="reference_app/broker.py",
            old="    task_acks_late=False,\n",
            new="    task_acks_late=True,\n",
        ),
        Replace(
            path="reference_app/broker.py",
            old="HELD_S = 30\n",
            new="HELD_S = 5\n",
        ),
    ),
)
