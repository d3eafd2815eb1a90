"""Whatever a job fails with is tried again."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="retry-everything",
    contract="retry.permanent-errors-are-not-retried",
    why="`except Exception: raise self.retry()`, the wrapper of many a migration plan: "
    "a prompt that is too long is computed four times.",
    overlay=(
        Replace(
            path="reference_app/job_task.py",
            old='getattr(sys.modules[work.__module__], "TRANSIENT", ())',
            new="(Exception,)",
        ),
        Replace(
            path="reference_app/patterns/retry.py",
            old="        if Exception in self.transient or not self.transient:\n",
            new="        if not self.transient:\n",
        ),
    ),
)
