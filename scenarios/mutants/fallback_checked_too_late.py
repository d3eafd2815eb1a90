"""What is asked for is checked when the job is on its way already."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="fallback-checked-too-late",
    contract="fallback.only-when-unreachable",
    why="The answer is right, and so is every test of the answer; the job runs all "
    "the same.",
    overlay=(
        Replace(
            path="reference_app/steering/api.py",
            old="    entry = _known_sae(request)\n    for number, feature in",
            new="    limits = (\n"
            "        settings().steering_soft_time_limit,\n"
            "        settings().steering_hard_time_limit,\n"
            "    )\n"
            "    job = request.model_dump()\n"
            "    answer = _submit(tasks.compare, job, limits, idempotency_key)\n"
            "    entry = _known_sae(request)\n"
            "    for number, feature in",
        ),
        Replace(
            path="reference_app/steering/api.py",
            old="    return _submit(tasks.compare, request.model_dump(), limits, "
            "idempotency_key)\n",
            new="    return answer\n",
        ),
    ),
)
