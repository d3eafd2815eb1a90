"""Children are also replaced when they took much, and jobs are few: that holds."""

from harness import Mutant

MUTANT = Mutant(
    name="noop-memory-limit",
    contract="memory.given-back-after-a-kill",
    why="A second way to replace a child changes nothing where each does one job.",
    env={"WORKER_EXTRA_ARGS": "--max-memory-per-child=4000000"},
    healthy=True,
)
