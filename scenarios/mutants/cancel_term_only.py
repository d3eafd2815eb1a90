"""A cancelled job's process gets SIGTERM, and nothing after it."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="cancel-term-only",
    contract="cancel.deaf-job-is-killed",
    why="`Celery will send SIGKILL`, says a migration plan; nobody does, and a job in "
    "native code holds the machine until its hard limit.",
    overlay=(
        Replace(
            path="reference_app/patterns/cancel.py",
            old="        self._due = [(term_after_s, signal.SIGTERM), "
            "(kill_after_s, signal.SIGKILL)]\n",
            new="        self._due = [(term_after_s, signal.SIGTERM)]\n",
        ),
    ),
)
