"""A cache of models whose key has the job in it, in a child that does many jobs."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="memory-model-per-job",
    contract="memory.given-back-after-a-job",
    why="A module-level cache so that the model is loaded once; its key is unique, so "
    "each job loads another. And of several queues the most generous one decides how "
    "long a child lives.",
    overlay=(
        Replace(
            path="reference_app/worker.py",
            old="    per_child = min(",
            new="    per_child = max(",
        ),
        Replace(
            path="reference_app/worker.py",
            old="    app.worker_main(list(arguments))\n",
            new="    from celery import signals\n"
            "\n"
            "    models = {}\n"
            "\n"
            "    def load(task_id, **_):\n"
            "        models[task_id] = b'weights.' * 12 * 2**20\n"
            "\n"
            "    signals.task_prerun.connect(load, weak=False)\n"
            "    app.worker_main(list(arguments))\n",
        ),
    ),
)
