"""The worker is started with --pool=threads, because CUDA does not survive a fork."""

from harness import Mutant

MUTANT = Mutant(
    name="time-limit-threads",
    contract="time_limit.native-code-is-killed",
    why="A thread cannot be killed: both limits are silently ignored.",
    command={"worker": ("--pool=threads",)},
)
