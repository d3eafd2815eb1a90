"""Progress is sent by a client as it comes, which waits for an answer."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="progress-waits-for-redis",
    contract="progress.lost-transport-does-not-stop-the-job",
    why="redis-py waits for 5 s and tries again; `healthy` is how it is when that is "
    "written.",
    overlay=(
        Replace(
            path="reference_app/context.py",
            old="client = endings.client(REPORT_ANSWER_S)",
            new="import redis\n"
            "        client = redis.Redis.from_url(settings().events_url)",
        ),
    ),
)
