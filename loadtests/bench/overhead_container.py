"""The same as `overhead`, with Redis, worker and agent in containers."""

from typing import Any

from loadtests.bench import overhead
from loadtests.bench.parts import need_containers


def run() -> dict[str, Any]:
    """Return the record.

    Raises:
        NotRun: there are no containers here.
        RuntimeError: a test did not hold; carries pytest's output.
    """
    need_containers()
    return overhead.run("container")
