"""Each worker brings a scheduler along, and nothing looks who is first."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="schedule-second-scheduler",
    contract="schedule.one-run-per-slot",
    why="`worker -B` is in half of all tutorials; with two replicas, or beside a beat "
    "of its own, each sends everything.",
    command={"worker": ("-B", "--scheduler", "celery.beat:PersistentScheduler")},
    overlay=(
        Replace(
            path="reference_app/studio/tasks.py",
            old="        schedule.claim(endings.client(), self)\n",
            new="",
        ),
    ),
)
