"""The broker is bounded; the rate limit, which asks Redis before it, is not."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="submit-unbounded-limiter",
    contract="submit.answers-in-time",
    why="Publishing was mended after the last outage. Nobody thought of the other "
    "client of Redis in the same request.",
    overlay=(
        Replace(
            path="reference_app/rate_limit.py",
            old="                socket_timeout=ANSWER_S,\n",
            new="",
        ),
    ),
)
