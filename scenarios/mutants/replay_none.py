"""Bare pub/sub: a subscriber gets what is published from now on, and nothing else."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="replay-none",
    contract="replay.late-subscriber",
    why="POST, then join: whatever happened in between is never seen.",
    overlay=(
        Replace(
            path="reference_app/patterns/replay.py",
            old="position, events = await _read(client, log, position)",
            new="pass",
        ),
    ),
)
