"""A harmless option of the start command: the contract must hold."""

from harness import Mutant

MUTANT = Mutant(
    name="noop-command",
    contract="time_limit.deployed-pool-enforces",
    why="Proves that the mechanism `command` itself breaks nothing.",
    command={"worker": ("--loglevel=WARNING",)},
    healthy=True,
)
