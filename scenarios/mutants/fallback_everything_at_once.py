"""The fallback begins with every job that waits, however many run already."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="fallback-everything-at-once",
    contract="fallback.is-bounded",
    why="Nothing counts what was started: no semaphore, each submit starts one more.",
    overlay=(
        Replace(
            path="reference_app/local_path.py",
            old="        free = self._settings.local_slots - len(self._runs)\n",
            new="        free = self._settings.local_max_backlog\n",
        ),
    ),
)
