"""Nobody announces an ending that could not be announced the first time."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="terminal-announce-not-retried",
    contract="terminal.every-exit",
    why="The row says completed; the event got lost between row and Redis; the page "
    "shows a job that runs for ever.",
    overlay=(
        Replace(
            path="reference_app/reconcile.py",
            old="for job in jobs.unannounced():",
            new="for job in ():",
        ),
    ),
)
