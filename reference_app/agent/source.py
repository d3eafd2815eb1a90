"""Where notes come from: a folder, or a JSON file with a list of bookmarks.

Nothing is fetched over a network and nothing outside the folder is opened. What cannot
be used is told with its reason, and the rest is used.

Raises SourceError where there is no source at all.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from reference_app.agent.errors import ItemError, SourceError
from reference_app.agent.files import locate, read_inside
from reference_app.agent.notes import MAX_NOTE_BYTES
from reference_app.agent.text import clean, short_digest, slugs

#: Endings of files that are notes.
NOTES = (".md", ".markdown", ".txt")

#: More is not a collection of bookmarks that somebody made.
MAX_BOOKMARKS = 10_000
MAX_JSON_BYTES = 16 * 1024 * 1024

#: What an entry of a JSON file may say; one of the first two is needed.
ENTRY = ("path", "text", "id", "title", "url", "category", "tags")


@dataclass(frozen=True)
class Bookmark:
    """One note that is wanted; `path` is in the folder, or `text` is the note."""

    id: str
    slug: str
    path: str = ""
    text: str = ""
    url: str = ""
    about: dict[str, Any] = field(default_factory=dict)  #: beats the front matter


@dataclass(frozen=True)
class Listing:
    """What a source has: in a stable order, with what is left out and why."""

    bookmarks: list[Bookmark]
    left_out: dict[str, str]  #: id to reason

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Listing":
        """Return what `to_json` was made from."""
        return cls([Bookmark(**each) for each in value["bookmarks"]], value["left_out"])


def folder_of(source: Path) -> Path:
    """Return the folder that paths of bookmarks are in."""
    return source if source.is_dir() else source.parent


def read(source: Path) -> Listing:
    """Return what a folder or a JSON file has, in the order of the ids."""
    if source.is_dir():
        found = _in_folder(source)
    elif source.is_file():
        found = _in_json(source)
    else:
        raise SourceError(f"No folder and no file: {source}. Name one that exists.")
    wanted: dict[str, Bookmark] = {}
    left_out: dict[str, str] = {}
    for number, (bookmark, reason) in enumerate(found):
        if number >= MAX_BOOKMARKS:
            raise SourceError(f"More than {MAX_BOOKMARKS} bookmarks in {source}.")
        if reason or bookmark.id in wanted:
            left_out[bookmark.id] = reason or "comes twice; the first is used"
        else:
            wanted[bookmark.id] = bookmark
    names = slugs({each: _without_ending(each) for each in wanted})
    listed = [
        Bookmark(**{**asdict(wanted[name]), "slug": names[name]})
        for name in sorted(wanted)
    ]
    return Listing(listed, dict(sorted(left_out.items())))


def load(bookmark: Bookmark, folder: Path) -> bytes:
    """Return the bytes of a note.

    Raises:
        ItemError: it cannot be read, or is too large.
    """
    if bookmark.path:
        return read_inside(folder, bookmark.path, MAX_NOTE_BYTES)
    data = bookmark.text.encode()
    if len(data) > MAX_NOTE_BYTES:
        raise ItemError(f"is larger than {MAX_NOTE_BYTES // 1024} KiB")
    return data


def _in_folder(root: Path) -> Iterator[tuple[Bookmark, str]]:
    for folder, inner, files in os.walk(root):
        # Links to folders are not walked into: they may lead out, or in a circle.
        linked = [name for name in inner if os.path.islink(os.path.join(folder, name))]
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in sorted({*files, *linked}):
            path = Path(folder, name).relative_to(root).as_posix()
            if name.startswith("."):
                continue
            if name in linked:
                yield Bookmark(_name(path), ""), "is a link to a folder"
            elif name.lower().endswith(NOTES):
                yield _file(root, path)


def _file(root: Path, path: str) -> tuple[Bookmark, str]:
    bookmark = Bookmark(_name(path), "", path=path)
    if bookmark.id != path:
        return bookmark, "has a name that is not text"
    try:
        if locate(root, path).stat().st_size > MAX_NOTE_BYTES:
            return bookmark, f"is larger than {MAX_NOTE_BYTES // 1024} KiB"
    except ItemError as error:
        return bookmark, str(error)
    return bookmark, ""


def _in_json(file: Path) -> Iterator[tuple[Bookmark, str]]:
    try:
        data = read_inside(file.parent, file.name, MAX_JSON_BYTES)
        listed = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{file} cannot be used: {error}.") from None
    if isinstance(listed, dict):
        listed = listed.get("bookmarks")
    if not isinstance(listed, list):
        raise SourceError(f'{file} has no list of bookmarks: [...] or "bookmarks".')
    for number, entry in enumerate(listed, 1):
        yield _entry(file.parent, number, entry)


def _entry(root: Path, number: int, entry: Any) -> tuple[Bookmark, str]:
    unnamed = Bookmark(f"bookmark {number}", "")
    if not isinstance(entry, dict):
        return unnamed, "is no object"
    unknown = sorted(set(entry) - set(ENTRY))
    if unknown:
        return unnamed, f"says what is not known: {clean(unknown[0])}"
    wrong = [name for name in ENTRY[:-1] if not isinstance(entry.get(name, ""), str)]
    if wrong:
        return unnamed, f"has a {wrong[0]} that is no text"
    path, text, url = (entry.get(name, "") for name in ("path", "text", "url"))
    if bool(path) == bool(text):
        return unnamed, "needs either a path or a text"
    named = entry.get("id") or path or url or f"text-{short_digest(text)}"
    about = {
        name: entry[name] for name in ("title", "category", "tags") if entry.get(name)
    }
    if path:
        bookmark, reason = _file(root, path)
        bookmark = Bookmark(_name(named), "", path=path, url=clean(url), about=about)
        return bookmark, reason
    try:
        text.encode()
    except UnicodeEncodeError:
        return Bookmark(_name(named), ""), "is not text"
    return Bookmark(_name(named), "", text=text, url=clean(url), about=about), ""


def _without_ending(name: str) -> str:
    stem, ending = os.path.splitext(name)
    return stem if ending.lower() in NOTES else name


def _name(name: str) -> str:
    """Return a name that can be shown and stored, also for bytes that are no text."""
    return clean(os.fsencode(name).decode("utf-8", "backslashreplace"))
