"""The old path cancels what it runs when its API leaves: a deployment is a reset."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="fallback-ended-on-the-way-out",
    contract="fallback.flag-flip-loses-nothing",
    why="To turn the flag is to deploy the API, and its shutdown was written for "
    "a server that goes away for good.",
    overlay=(
        Replace(
            path="reference_app/local_path.py",
            old="        for job_id, run in self._runs.items():\n"
            "            if not endings.store().try_again(",
            new="        for job_id in self._runs:\n"
            "            endings.finish(job_id, State.CANCELLED)\n"
            "        for job_id, run in self._runs.items():\n"
            "            if not endings.store().try_again(",
        ),
    ),
)
