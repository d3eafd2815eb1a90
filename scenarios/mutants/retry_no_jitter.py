"""Pauses double, and all jobs that failed together come back together."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="retry-no-jitter",
    contract="retry.transient-errors-are-retried",
    why="`countdown=2 ** self.request.retries`: a hundred jobs bring the service down "
    "again the moment it is up.",
    overlay=(
        Replace(
            path="reference_app/patterns/retry.py",
            old="        return whole_s * (1 + self.draw()) / 2\n",
            new="        return whole_s\n",
        ),
    ),
)
