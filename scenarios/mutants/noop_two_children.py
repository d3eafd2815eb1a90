"""Two jobs at once in a worker of one device: the second waits, and that holds."""

from harness import Mutant

MUTANT = Mutant(
    name="noop-two-children",
    contract="memory.device-is-not-overbooked",
    why="`-c 2` on one card is what most people break; the lease is for that.",
    env={"WORKER_CONCURRENCY": "2"},
    healthy=True,
)
