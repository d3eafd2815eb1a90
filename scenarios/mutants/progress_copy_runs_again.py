"""A message that comes a second time is executed again, as the same attempt."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="progress-copy-runs-again",
    contract="progress.attempts-are-told-apart",
    why="`The first one may have been lost`; the two cannot be told apart, neither by "
    "a user nor by code.",
    overlay=(
        Replace(
            path="reference_app/context.py",
            old="        job = endings.store().start(job_id, attempt, path)\n",
            new="        job = endings.store().start(job_id, attempt, path)\n"
            "        job = job or endings.store().get(job_id)\n",
        ),
    ),
)
