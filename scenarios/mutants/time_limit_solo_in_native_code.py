"""The worker's pool is set to solo, because CUDA does not survive a fork."""

from harness import Mutant

MUTANT = Mutant(
    name="time-limit-solo-in-native-code",
    contract="time_limit.native-code-is-killed",
    why="The job is in the main process itself: who should kill it waits for it.",
    env={"WORKER_POOL": "solo"},
)
