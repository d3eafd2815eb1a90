"""A file that jobs read is away for a while: a share hangs, an upload is late."""

from collections.abc import Iterator
from contextlib import contextmanager

from harness.faults.record import injected
from harness.recorder import Recorder
from harness.stack import Stack

_FAULT = "file_missing"


@contextmanager
def missing(stack: Stack, history: Recorder, path: str) -> Iterator[bool]:
    """Take the file `path`, relative to {data}, away while the body runs.

    Proof is that it was there, and is not when looked for again. It is put back unless
    somebody has made it anew.
    """
    file = stack.layout.data / path
    away = file.with_name(f".{file.name}.queueproof")
    was = file.is_file()
    if was:
        file.rename(away)
    bit = was and not file.exists()
    proof = f"{path} was {'there' if was else 'not there'}"
    proof += ", and is there" if file.exists() else ", and is away"
    injected(history, _FAULT, None, bit=bit, proof=proof, path=path)
    try:
        yield bit
    finally:
        if was and file.exists():
            away.unlink()
        elif was:
            away.rename(file)
        history.record("fault", "healed", fault=_FAULT, path=path)
