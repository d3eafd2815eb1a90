"""How a job stands is remembered for five seconds: so many pages ask."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="result-answer-remembered",
    contract="result.ready-when-announced",
    why="The page hears `completed`, asks for the result, and is told that the job "
    "runs.",
    overlay=(
        Replace(
            path="reference_app/steering/api.py",
            old="    job = lookup.readable(task_id)\n    state, percent",
            new="    import time\n\n"
            "    at_s, job = _ANSWERS.get(task_id, (0.0, None))\n"
            "    if job is None or time.monotonic() - at_s > 5:\n"
            "        job = lookup.readable(task_id)\n"
            "        _ANSWERS[task_id] = time.monotonic(), job\n"
            "    state, percent",
        ),
        Replace(
            path="reference_app/steering/api.py",
            old="def _invalid(place",
            new="_ANSWERS: dict[str, Any] = {}\n\n\ndef _invalid(place",
        ),
    ),
)
