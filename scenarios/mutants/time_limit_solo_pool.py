"""The worker is started with --pool=solo, as a migration plan literally says."""

from harness import Mutant

MUTANT = Mutant(
    name="time-limit-solo-pool",
    contract="time_limit.deployed-pool-enforces",
    why="Solo runs the job in the main process: both limits are silently ignored.",
    command={"worker": ("--pool=solo",)},
)
