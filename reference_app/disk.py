"""A disk that is full, or away, and will take a file again in a while."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

#: What a file system says then.
PASSING = (errno.ENOSPC, errno.EDQUOT, errno.EAGAIN, errno.ENFILE, errno.ESTALE)


@contextmanager
def or_later(later: type[Exception]) -> Iterator[None]:
    """Raise `later` for what is worth another attempt to write the body's files.

    Raises:
        OSError: any other, as it was.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in PASSING:
            raise
        raise later(f"Nothing can be written now: {error}.") from error
