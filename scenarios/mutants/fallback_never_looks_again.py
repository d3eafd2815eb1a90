"""Once the broker was away, the API never asks it again."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="fallback-never-looks-again",
    contract="fallback.is-bounded",
    why="A circuit breaker without its half-open state: the workers stand idle beside "
    "an API that does their work until somebody restarts it.",
    overlay=(
        Replace(
            path="reference_app/patterns/fallback.py",
            old="            if self._clock() < self._next_try_s:\n",
            new="            if self._why:\n",
        ),
    ),
)
