"""Where things lie in a knowledge base, and how they get there.

    README.md                       what there is
    items/<item>/README.md          a page for each note, with its images beside it
    categories/<category>/          a page for each category, and what its notes share
    .agent/                         records, list of bookmarks, index: not for readers

Promise: a file appears whole or not at all, and one process writes at a time.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reference_app.agent.errors import KnowledgeBaseError, TryLater
from reference_app.agent.files import replace

HIDDEN = ".agent"
README = "README.md"
IGNORED = ".gitignore"

#: What this application writes for readers; a git repository may hold other things.
OURS = ("items", "categories", README, IGNORED)

#: Files in the hidden folder.
BOOKMARKS = f"{HIDDEN}/bookmarks.json"
LEFT_OUT = f"{HIDDEN}/left_out.json"
INDEX = f"{HIDDEN}/index.npz"


def item_page(slug: str) -> str:
    """Return the path of an item's page."""
    return f"items/{slug}/{README}"


def category_page(slug: str) -> str:
    """Return the path of a category's page."""
    return f"categories/{slug}/{README}"


def synthesis_page(slug: str) -> str:
    """Return the path of the page that says what a category's notes share."""
    return f"categories/{slug}/synthesis.md"


class KnowledgeBase:
    """A folder that holds a knowledge base; it need not exist before it is written."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.hidden = root / HIDDEN

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Be the one who writes; what a killed writer left half written is removed.

        Raises:
            TryLater: another process writes.
            KnowledgeBaseError: it is no folder that can be written to.
        """
        try:
            self.hidden.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.hidden / "lock", os.O_RDWR | os.O_CREAT, 0o666)
        except (FileExistsError, NotADirectoryError, PermissionError) as error:
            raise KnowledgeBaseError(
                f"The knowledge base cannot be written to: {error}. Name a folder."
            ) from error
        try:
            # The kernel lets go of it when its holder is gone, however it went.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TryLater("Another job writes to this knowledge base.") from None
        else:
            self._temporary.unlink(missing_ok=True)
            yield
        finally:
            os.close(lock)

    def write(self, path: str, data: bytes) -> None:
        """Put a file there, or replace it."""
        replace(self.root / path, data, self._temporary)

    def read(self, path: str) -> bytes | None:
        """Return what a file holds, None if there is none."""
        try:
            return (self.root / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None

    def remove(self, path: str) -> None:
        """Remove a file; it need not exist."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            (self.root / path).unlink()

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder; one in which somebody keeps something stays."""
        with contextlib.suppress(OSError):
            (self.root / path).rmdir()

    def write_json(self, path: str, value: Any) -> bool:
        """Put a value there as JSON; False if it was there already."""
        data = to_json(value)
        if self.read(path) == data:
            return False
        self.write(path, data)
        return True

    def read_json(self, path: str) -> Any:
        """Return a value, None if there is no file, or a damaged one."""
        data = self.read(path)
        try:
            return None if data is None else json.loads(data)
        except ValueError:
            return None  # torn by a power cut: as if it were not there

    @property
    def _temporary(self) -> Path:
        # One name for all: there is one writer, and nothing piles up.
        return self.hidden / "new"


def to_json(value: Any) -> bytes:
    """Return a value as JSON, the same bytes each time."""
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()
