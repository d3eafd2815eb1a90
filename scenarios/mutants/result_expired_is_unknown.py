"""A job whose result has expired was never there."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="result-expired-is-unknown",
    contract="result.states-are-told-apart",
    why="Redis has deleted the key, so the API answers 404; the client submits the job "
    "once more and pays for it twice.",
    overlay=(
        Replace(
            path="reference_app/lookup.py",
            old="            410, f",
            new="            404, f",
        ),
    ),
)
