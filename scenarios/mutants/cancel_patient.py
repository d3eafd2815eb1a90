"""A cancelled job has five minutes to leave before it is killed."""

from harness import Mutant

MUTANT = Mutant(
    name="cancel-patient",
    contract="cancel.deaf-job-is-killed",
    why="One job needed long to save its work, and the grace was made longer for all; "
    "who cancels because a job hangs waits for all of it.",
    env={"CANCEL_KILL_AFTER": "300"},
)
