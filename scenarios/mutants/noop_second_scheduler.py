"""A second scheduler, without a lock: the slots alone keep its runs away."""

from harness import Mutant

MUTANT = Mutant(
    name="noop-second-scheduler",
    contract="schedule.one-run-per-slot",
    why="Proves that the last line holds by itself, as between a leader's look at its "
    "lock and its message.",
    command={"worker": ("-B", "--scheduler", "celery.beat:PersistentScheduler")},
    healthy=True,
)
