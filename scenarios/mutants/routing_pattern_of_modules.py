"""A route is written for the modules' names, and the tasks have names of their own."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="routing-pattern-of-modules",
    contract="routing.every-task-has-a-worker",
    why="`gan_tasks.*` matches nothing, and Celery's default queue takes whatever no "
    "route matches: nobody serves that one, and nobody is told.",
    overlay=(
        Replace(
            path="reference_app/broker.py",
            old='            tasks=("gan.*", "tasks.gan_tasks.*"),\n',
            new='            tasks=("gan_tasks.*", "tasks.gan_tasks.*"),\n',
        ),
        Replace(
            path="reference_app/broker.py",
            old="    task_default_queue=DEFAULT_QUEUE,\n",
            new="",
        ),
    ),
)
