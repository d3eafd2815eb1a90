"""Two jobs are let on the device, because two of them once fitted."""

from harness import Mutant

MUTANT = Mutant(
    name="memory-two-places",
    contract="memory.device-is-not-overbooked",
    why="The second place is for a deployment, when two workers are up; it stays, and "
    "the jobs grow.",
    env={"DEVICE_SLOTS": "2"},
)
