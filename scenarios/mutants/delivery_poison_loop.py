"""Late ack, and a lost child puts its message back: the next child dies of it too."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="delivery-poison-loop",
    contract="delivery.poison-is-bounded",
    why="`No job is lost`, says the pair of settings; a job that runs out of memory "
    "then takes the worker with it for ever.",
    overlay=(
        Replace(
            path="reference_app/broker.py",
            old="    task_acks_late=False,\n",
            new="    task_acks_late=True,\n    task_reject_on_worker_lost=True,\n",
        ),
    ),
)
