"""What did not succeed has failed, says the status: a cancelled job, too."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="cancel-shown-as-failed",
    contract="cancel.running-stops",
    why="`completed if result.successful() else failed`: REVOKED is no success, and "
    "who cancelled reads of an error.",
    overlay=(
        Replace(
            path="reference_app/steering/api.py",
            old='    State.CANCELLED: "cancelled",\n',
            new='    State.CANCELLED: "failed",\n',
        ),
    ),
)
