"""Events name the first attempt, whichever it is."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="progress-one-attempt-number",
    contract="progress.attempts-are-told-apart",
    why="There was one attempt per job when the envelope was made. The page cannot "
    "know why the bar starts anew.",
    overlay=(
        Replace(
            path="reference_app/events.py",
            old='        "attempt": attempt,\n',
            new='        "attempt": 1,\n',
        ),
    ),
)
