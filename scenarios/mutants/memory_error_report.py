"""The last errors are kept with the locals of their frames, and the child goes on."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="memory-error-report",
    contract="memory.given-back-after-a-job",
    why="An error reporter with local variables, or a stored exception: each failed "
    "job leaves its tensors there. Celery clears the frames; copies it cannot.",
    command={"worker": ("--max-tasks-per-child=100",)},
    overlay=(
        Replace(
            path="reference_app/worker.py",
            old="    memory.install(app, settings(), arguments)\n",
            new="    memory.install(app, settings(), arguments)\n"
            "    from celery import signals\n"
            "\n"
            "    errors = []\n"
            "\n"
            "    def remember(traceback=None, **_):\n"
            "        while hasattr(traceback, 'tb_frame'):\n"
            "            errors.append(dict(traceback.tb_frame.f_locals))\n"
            "            traceback = traceback.tb_next\n"
            "\n"
            "    signals.task_failure.connect(remember, weak=False)\n",
        ),
    ),
)
