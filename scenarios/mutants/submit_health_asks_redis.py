"""The health check asks Redis, too: without it the API is not healthy."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="submit-health-asks-redis",
    contract="submit.does-not-block-others",
    why="`A health check that checks nothing is worthless`: so an outage of Redis "
    "becomes one of the API, and the orchestrator restarts it.",
    overlay=(
        Replace(
            path="reference_app/api.py",
            old='        """Answer as long as the event loop is not blocked."""\n',
            new='        """Answer as long as Redis does."""\n'
            "        with contextlib.suppress(OSError, endings.redis.RedisError):\n"
            "            endings.client().ping()\n",
        ),
    ),
)
