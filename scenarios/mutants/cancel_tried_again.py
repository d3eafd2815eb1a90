"""A lost process is made good, also that of a job which was killed on purpose."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="cancel-tried-again",
    contract="cancel.is-final",
    why="The retry of lost jobs came later than the cancel, and to it every SIGKILL "
    "looks the same.",
    overlay=(
        Replace(
            path="reference_app/jobs.py",
            old="            _jobs.c.state == State.STARTED,\n"
            "            _jobs.c.cancel_requested_at.is_(null()),\n",
            new="            _jobs.c.state == State.STARTED,\n",
        ),
    ),
)
