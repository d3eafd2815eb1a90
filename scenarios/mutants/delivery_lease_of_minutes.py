"""A lease so long that a lost job is noticed when its user has gone."""

from harness import Mutant

MUTANT = Mutant(
    name="delivery-lease-of-minutes",
    contract="delivery.lost-worker-is-noticed",
    why="A lease was lost once under load, so it was made longer, for good measure.",
    env={"LEASE_SECONDS": "300"},
)
