"""A harmless change of the environment: the contract must hold."""

from harness import Mutant

MUTANT = Mutant(
    name="noop-env",
    contract="progress.never-goes-back",
    why="Proves that the mechanism `env` itself breaks nothing.",
    env={"EVENTS_TTL": "3600"},
    healthy=True,
)
