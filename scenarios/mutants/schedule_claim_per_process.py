"""The last run of a slot is remembered by each process for itself."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="schedule-claim-per-process",
    contract="schedule.one-run-per-slot",
    why="A guard in memory, or under a key with the process in it, passes every test "
    "with one process; with one job per child it guards nothing.",
    command={"worker": ("-B", "--scheduler", "celery.beat:PersistentScheduler")},
    overlay=(
        Replace(
            path="reference_app/schedule.py",
            old='    slots = Slots(client, prefix="schedule")\n',
            new="    import os\n\n"
            '    slots = Slots(client, prefix=f"schedule-{os.getpid()}")\n',
        ),
    ),
)
