"""The same as `start_up`, with every part in a container; the images are there."""

from typing import Any

from loadtests.bench import start_up
from loadtests.bench.parts import need_containers


def run() -> dict[str, Any]:
    """Return the record.

    Raises:
        NotRun: there are no containers here.
        RuntimeError: a stack did not start; carries pytest's output.
    """
    need_containers()
    return start_up.run("container")
