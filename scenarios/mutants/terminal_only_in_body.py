"""The ending is written by the job's own code and by nobody else."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="terminal-only-in-body",
    contract="terminal.every-exit",
    why="A killed process runs no `except`: after a hard limit or a lost child the "
    "user waits for ever.",
    overlay=(
        Replace(
            path="reference_app/endings.py",
            old="@signals.task_failure.connect\n",
            new="",
        ),
        Replace(
            path="reference_app/reconcile.py",
            old="for lease in self._leases.lost(list(active)):",
            new="for lease in ():",
        ),
    ),
)
