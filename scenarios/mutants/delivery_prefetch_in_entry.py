"""The entry of the worker asks for more messages at once than it runs."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="delivery-prefetch-in-entry",
    contract="delivery.reserved-runs-once",
    why="Tuned for many short tasks, where it is faster, and kept when the long ones "
    "came; the settings in the other file look as they should.",
    overlay=(
        Replace(
            path="reference_app/worker.py",
            old="    leaving.install(settings())\n",
            new="    leaving.install(settings())\n"
            "    app.conf.worker_disable_prefetch = False\n"
            "    app.conf.worker_prefetch_multiplier = 4\n",
        ),
    ),
)
