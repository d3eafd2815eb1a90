"""An id that nobody knows is one that waits."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="result-unknown-waits",
    contract="result.states-are-told-apart",
    why="`AsyncResult(id).status` is PENDING for whatever it does not know: a mistyped "
    "link shows a job that waits for ever.",
    overlay=(
        Replace(
            path="reference_app/steering/api.py",
            old="    job = lookup.readable(task_id)\n",
            new="    if endings.store().get(task_id) is None:\n"
            "        return SteeringResultResponse(\n"
            '            task_id=task_id, status="pending", state="pending"\n'
            "        )\n"
            "    job = lookup.readable(task_id)\n",
        ),
    ),
)
