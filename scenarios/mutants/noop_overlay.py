"""A harmless change of the source: the contract must hold."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="noop-overlay",
    contract="capacity.next-job-starts-promptly",
    why="Proves that the mechanism `overlay` itself breaks nothing.",
    overlay=(
        Replace(
            path="reference_app/worker.py",
            old='"""The worker process: ',
            new='"""The worker process, changed in words only: ',
        ),
    ),
    healthy=True,
)
