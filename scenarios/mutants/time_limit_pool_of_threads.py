"""The worker's pool is set to threads, for jobs that mostly wait."""

from harness import Mutant

MUTANT = Mutant(
    name="time-limit-pool-of-threads",
    contract="time_limit.deployed-pool-enforces",
    why="Less memory than a process per job; no thread can be interrupted from "
    "outside, so both limits are silently ignored.",
    env={"WORKER_POOL": "threads"},
)
