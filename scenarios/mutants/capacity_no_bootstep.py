"""The pool is looked after by Celery's own 5 s timer only."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="capacity-no-bootstep",
    contract="capacity.next-job-starts-promptly",
    why="One job per child then costs up to 5 s of idleness per job.",
    overlay=(
        Replace(
            path="reference_app/worker.py",
            old="    recycle.install(app, every_s=settings()"
            ".worker_maintenance_interval)\n",
            new="",
        ),
        # Else what a job left behind is ended, and seldom holds up the next.
        Replace(
            path="reference_app/worker.py",
            old="    orphans.install(app)\n",
            new="",
        ),
    ),
)
