"""The worker is started by a process that stays, and that alone hears SIGTERM."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="shutdown-shell-wrapper",
    contract="shutdown.loses-no-job",
    why='`sh -c "prepare; celery worker"` without `exec`: the shell gets the signal '
    "and ends, the worker learns of nothing, and what is left is killed.",
    overlay=(
        Replace(
            path="reference_app/worker.py",
            old="    app.worker_main(list(arguments))\n",
            new="    if os.fork():\n"
            "        os.wait()\n"
            "        return\n"
            "    app.worker_main(list(arguments))\n",
        ),
    ),
)
