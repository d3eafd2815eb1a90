"""Stacks that start one after the other, where several runs share a machine.

A start computes (a worker imports what its jobs need), a scenario mostly waits: runs
that take turns at starting can be more at once than there are processors.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

#: Names a file; those runs take turns that name the same one.
VARIABLE = "QUEUEPROOF_START_TURNS"


@contextmanager
def start_turn() -> Iterator[None]:
    """Wait until no other run that names our file starts a stack, then run the body.

    Who dies gives its turn back. Without the variable nobody waits.
    """
    path = os.environ.get(VARIABLE)
    if not path:
        yield
        return
    with open(path, "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
