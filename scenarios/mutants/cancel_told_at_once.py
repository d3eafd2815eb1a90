"""Whoever cancels writes the ending, whatever the process still does."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="cancel-told-at-once",
    contract="cancel.deaf-job-is-killed",
    why="The page is quick, and says `cancelled` of a job that holds the accelerator; "
    "and who looks for jobs to stop finds that this one has ended.",
    overlay=(
        Replace(
            path="reference_app/cancellation.py",
            old="    if after is None or not after.ended:\n"
            '        return "cancelling"\n',
            new="    if after is None or not after.ended:\n"
            "        endings.finish(job_id, State.CANCELLED)\n"
            '        return "cancelled"\n',
        ),
    ),
)
