"""The pool is looked after every 5 s."""

from harness import Mutant

MUTANT = Mutant(
    name="capacity-rare-maintenance",
    contract="capacity.next-job-starts-promptly",
    why="Ten looks a second at nothing seem a waste, in a list of settings; each look "
    "costs microseconds, each missing one a job's time.",
    env={"WORKER_MAINTENANCE_INTERVAL": "5"},
)
