"""What lies in an image: a plan that can be hashed, and written as one tar."""

import hashlib
import io
import os
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO


@dataclass(frozen=True)
class Copy:
    """A file of this machine, with its mode and its time, by which .pyc are valid."""

    source: Path


@dataclass(frozen=True)
class Text:
    """A small file that is made here."""

    text: str


@dataclass(frozen=True)
class Link:
    """A symbolic link."""

    target: str


@dataclass(frozen=True)
class Folder:
    """An empty folder."""

    mode: int = 0o755


Contents = dict[str, Copy | Text | Link | Folder]


def tree(top: Path, *, without: frozenset[str] = frozenset()) -> Contents:
    """Plan a folder at its own path, less the names in `without`."""
    found: Contents = {}
    for folder, folders, files in os.walk(top):
        folders[:] = sorted(name for name in folders if name not in without)
        for name in [*folders, *files]:
            path = Path(folder, name)
            if path.is_symlink():
                found[str(path)] = Link(os.readlink(path))
            elif path.is_file() and name not in without:
                found[str(path)] = Copy(path)
    return found


def digest(contents: Contents, settings: tuple[str, ...]) -> str:
    """Return the same twelve characters for the same image, on any day.

    Compiled files are left out: they follow from their source, and appear one by one.
    """
    whole = hashlib.sha256(repr(settings).encode())
    for path, node in sorted(contents.items()):
        if path.endswith(".pyc"):
            continue
        if isinstance(node, Copy):
            with node.source.open("rb") as file:
                what = hashlib.file_digest(file, "sha256").hexdigest()
            what += oct(node.source.stat().st_mode)
        else:
            what = repr(node)
        whole.update(f"{path}\0{what}\n".encode())
    return whole.hexdigest()[:12]


def write(contents: Contents, stream: BinaryIO) -> None:
    """Write the plan as a tar: a folder before what lies in it, all owned by root."""
    with tarfile.open(fileobj=stream, mode="w|", bufsize=1 << 20) as tar:
        for path, node in sorted(_with_parents(contents).items()):
            info = tarfile.TarInfo(path.lstrip("/"))
            match node:
                case Folder():
                    info.type, info.mode = tarfile.DIRTYPE, node.mode
                    tar.addfile(info)
                case Link():
                    info.type, info.linkname = tarfile.SYMTYPE, node.target
                    tar.addfile(info)
                case Text():
                    data = node.text.encode()
                    info.size, info.mode = len(data), 0o644
                    tar.addfile(info, io.BytesIO(data))
                case Copy():
                    status = node.source.stat()
                    info.size, info.mtime = status.st_size, int(status.st_mtime)
                    info.mode = status.st_mode & 0o7777
                    with node.source.open("rb") as file:
                        tar.addfile(info, file)


def _with_parents(contents: Mapping[str, Copy | Text | Link | Folder]) -> Contents:
    parents = {
        str(folder): Folder()
        for path in contents
        for folder in list(PurePosixPath(path).parents)[:-1]
    }
    return parents | dict(contents)
