"""The worker is started with --pool=solo, because CUDA does not survive a fork."""

from harness import Mutant

MUTANT = Mutant(
    name="memory-solo-pool",
    contract="memory.given-back-after-a-kill",
    why="There is no child that could be killed: a cancelled job keeps the device "
    "until it has finished.",
    command={"worker": ("--pool=solo",)},
)
