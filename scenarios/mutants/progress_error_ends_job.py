"""What goes wrong with an event is an error of the job."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="progress-error-ends-job",
    contract="progress.lost-transport-does-not-stop-the-job",
    why="An hour of computing is thrown away because a bar could not be drawn.",
    overlay=(
        Replace(
            path="reference_app/patterns/progress.py",
            old="except (redis.RedisError, OSError):",
            new="except NoScriptError:",
        ),
    ),
)
