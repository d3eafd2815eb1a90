"""A cancelled job is one that failed."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="result-cancelled-is-failed",
    contract="result.states-are-told-apart",
    why="`ready()` and not `successful()`: REVOKED is both, and the user who cancelled "
    "reads of an error and a TaskRevokedError.",
    overlay=(
        Replace(
            path="reference_app/steering/api.py",
            old='    State.CANCELLED: "cancelled",\n',
            new='    State.CANCELLED: "failed",\n',
        ),
    ),
)
