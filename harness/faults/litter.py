"""More to clean up than an entry of beat's schedule has time for in one period."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from harness.errors import TargetError
from harness.faults.record import injected
from harness.recorder import Recorder
from harness.stack import Stack
from harness.target import nearest

_FAULT = "litter"

#: When the files were changed last, in Unix time: older than any clean-up waits for.
LONG_AGO_S = 1_000_000_000

#: How the names of the files begin: nothing else in the folder is removed.
NAME = "queueproof-litter-"


@contextmanager
def laid(stack: Stack, history: Recorder, entry: str) -> Iterator[bool]:
    """Lay old files where the entry's run looks for them; take away what it leaves.

    Proof is that all of them are there, or that a run has begun to remove them.

    Raises:
        TargetError: the target does not describe this entry.
    """
    known = stack.target.schedule
    if entry not in known:
        raise TargetError(
            f"The entry {entry!r} is not described{nearest(entry, known)}. "
            f"Add a table [schedule.{entry}]."
        )
    folder = stack.layout.data / known[entry].litter.removeprefix("{data}/")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o777)  # the application may be another user
    files = [folder / f"{NAME}{n}" for n in range(known[entry].files)]
    try:
        for file in files:
            file.touch()
            os.utime(file, (LONG_AGO_S, LONG_AGO_S))
        there = sum(file.exists() for file in files)
        proof = f"{there} of {len(files)} old files are in {folder}"
        injected(history, _FAULT, None, bit=bool(files), proof=proof, entry=entry)
        yield bool(files)
    finally:
        left = [file for file in files if file.exists()]
        for file in left:
            file.unlink(missing_ok=True)
        history.record("fault", "healed", fault=_FAULT, entry=entry, left=len(left))
