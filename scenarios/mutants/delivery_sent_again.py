"""Whoever hears of a lost process sends the task again."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="delivery-sent-again",
    contract="delivery.poison-is-bounded",
    why="Early ack, and a handler of task_failure that looks after lost jobs: it does "
    "not count, so what kills its process kills the next one, and the next.",
    overlay=(
        Replace(
            path="reference_app/endings.py",
            old="        lose(task_id, attempt)\n",
            new='        again = {"args": _["args"], "kwargs": _["kwargs"]}\n'
            "        sender.apply_async(task_id=task_id, **again)\n"
            "        lose(task_id, attempt)\n",
        ),
    ),
)
