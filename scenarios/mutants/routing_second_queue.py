"""Sweeps get a queue of their own in the table, and no worker is deployed for it."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="routing-second-queue",
    contract="routing.every-task-has-a-worker",
    why="The queues are in the code, the worker's -Q in the manifests: one of the two "
    "was changed.",
    env={"WORKER_QUEUES": "steering"},
    overlay=(
        Replace(
            path="reference_app/broker.py",
            old="        QueueRow(\n"
            '            name="steering",\n'
            '            tasks=("steering.*",),\n',
            new='        QueueRow("gpu", ("steering.sweep",), "sweeps", 1, 1),\n'
            "        QueueRow(\n"
            '            name="steering",\n'
            '            tasks=("steering.*",),\n',
        ),
    ),
)
