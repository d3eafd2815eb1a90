"""A handler writes failed into the row, whatever stands there."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="result-late-failure",
    contract="result.views-agree",
    why="`UPDATE jobs SET state = 'failed' WHERE id = ...` in task_failure: a process "
    "that died after it had stored its result takes the result along.",
    overlay=(
        Replace(
            path="reference_app/endings.py",
            old="    if isinstance(exception, (WorkerLostError, SystemExit)):\n"
            "        lose(task_id, attempt)\n",
            new="    if isinstance(exception, (WorkerLostError, SystemExit)):\n"
            "        from reference_app.database import jobs\n"
            "        text, reason = describe(exception), Reason.LOST\n"
            '        values = {"error": text, "reason": reason, "result": None}\n'
            "        store()._update(\n"
            "            jobs.c.id == task_id, state=State.FAILED, **values\n"
            "        )\n"
            "        announce(task_id)\n",
        ),
    ),
)
