"""Nobody counts the tries."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="retry-without-end",
    contract="retry.transient-errors-are-retried",
    why="`max_retries=None`, since the service is sure to come back; a job that waits "
    "for what never comes is never told to have failed.",
    overlay=(
        Replace(
            path="reference_app/patterns/retry.py",
            old="        if attempt >= self.attempts or not isinstance("
            "error, self.transient):\n",
            new="        if not isinstance(error, self.transient):\n",
        ),
    ),
)
