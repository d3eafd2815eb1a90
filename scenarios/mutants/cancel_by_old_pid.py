"""Who cancels kills the number in the row, a moment later, whatever runs there then."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="cancel-by-old-pid",
    contract="cancel.hits-only-its-job",
    why="A process that is kept serves the next job by then: that one dies of it. With "
    "one process per job it goes well, until the kernel gives the number out again.",
    env={"WORKER_QUEUES": "steering", "STEERING_MAX_TASKS_PER_CHILD": "0"},
    overlay=(
        Replace(
            path="reference_app/cancellation.py",
            old="    if after is None or not after.ended:\n",
            new="    if after is not None and after.pid and not after.ended:\n"
            "        import os\n"
            "        import threading\n\n"
            "        threading.Timer(0.3, os.kill, (after.pid, 9)).start()\n"
            "    if after is None or not after.ended:\n",
        ),
    ),
)
