"""What a job has started is ended where the job ends in order, and nowhere else."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="time-limit-orphans",
    contract="time_limit.nothing-outlives-the-job",
    why="A `finally`, or a signal handler of the child, that ends its programs: "
    "SIGKILL runs neither, and they stay as orphans.",
    overlay=(
        Replace(
            path="reference_app/patterns/orphans.py",
            old="            worker.hub.call_repeatedly(every_s, orphans.look)\n",
            new="",
        ),
    ),
)
