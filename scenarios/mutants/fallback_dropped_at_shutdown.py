"""An API that leaves ends the jobs it runs: they were only a fallback."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="fallback-dropped-at-shutdown",
    contract="fallback.is-bounded",
    why="The jobs live in the API's process, and nobody thought of its deployments: "
    "whatever runs is marked as failed on the way out.",
    overlay=(
        Replace(
            path="reference_app/local_path.py",
            old="            if not endings.store().try_again(job_id, run.attempt, "
            "free=True):\n"
            "                endings.store().reserve(job_id, 0.0)"
            "  # it had not begun\n",
            new='            text = "The API was stopped before the job was done"\n'
            "            endings.finish(job_id, State.FAILED, error=text, "
            "reason=endings.Reason.LOST)\n",
        ),
    ),
)
