"""A job that could not be published is accepted, and left to the outbox."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="fallback-left-in-outbox",
    contract="fallback.follows-policy",
    why="It will be sent as soon as the broker is back, so nothing is lost; that the "
    "operator declared something else is noticed in the next long outage.",
    overlay=(
        Replace(
            path="reference_app/submission.py",
            old="            jobs.divert(job_id)\n",
            new="",
        ),
    ),
)
