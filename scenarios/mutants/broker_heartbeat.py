"""The worker sends its heartbeat, as a worker does by default."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="broker-heartbeat",
    contract="broker.consumes-again",
    why="Celery's default: an event every 2 s. With Redis gone silent the main loop "
    "waits in the sending of one for ever, and looks healthy all the time.",
    overlay=(
        Replace(
            path="reference_app/worker.py",
            old='        "--without-heartbeat",\n',
            new="",
        ),
    ),
)
