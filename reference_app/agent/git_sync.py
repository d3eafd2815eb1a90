"""The knowledge base's history: one commit for each change, in a local repository.

Promise: what this application wrote is committed, what others committed or staged
stays; nothing has changed, no commit. Killed at any moment it leaves a repository that
is whole, and no lock that it would not remove itself. Nothing is pushed.

Needs a file system with hard links. Raises TryLater while another git writes, and
KnowledgeBaseError for a repository whose HEAD is on no branch.
"""

import contextlib
import io
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from dulwich.index import (
    Index,
    IndexChecksumWriter,
    IndexEntry,
    commit_tree,
    index_entry_from_stat,
    write_index_dict,
)
from dulwich.objects import Blob, Commit, ObjectID, ShaFile
from dulwich.refs import Ref
from dulwich.repo import Repo

from reference_app.agent.errors import KnowledgeBaseError, TryLater
from reference_app.agent.kb import OURS, KnowledgeBase

AUTHOR = b"Knowledge base agent <agent@localhost>"
BRANCH = b"main"
MODE = 0o100644

#: Names of notes in a commit's message; beyond it they are counted.
NAMED = 20

#: Mode and object of each path.
Tree = dict[bytes, tuple[int, ObjectID]]


def sync(kb: KnowledgeBase, titles: Mapping[str, str], now_s: float) -> str | None:
    """Commit what has changed; returns the commit's id, None if nothing has.

    Args:
        kb: the knowledge base; the caller is the one who writes to it.
        titles: of the items, by slug, for the message.
        now_s: the commit's time, in seconds since 1970.
    """
    git = kb.root / ".git"
    _prepare(kb, git)
    with contextlib.closing(Repo(str(kb.root))) as repo:
        branches, parent = repo.refs.follow(Ref(b"HEAD"))
        if branches[-1] == b"HEAD":
            raise KnowledgeBaseError("HEAD is on no branch. Check one out first.")
        objects = _Objects(repo, kb.hidden / "new")
        before = _tree(repo, parent)
        ours = _ours(kb.root, objects)
        after = {path: each for path, each in before.items() if not _is_ours(path)}
        after |= ours
        # First the index: a commit that is there means that all of it was done.
        _write_index(kb, git, ours)
        if after == before:
            return None
        commit = Commit()
        commit.tree = commit_tree(
            objects, [(path, sha, mode) for path, (mode, sha) in after.items()]
        )
        commit.parents = [] if parent is None else [parent]
        commit.author = commit.committer = AUTHOR
        commit.author_time = commit.commit_time = int(now_s)
        commit.author_timezone = commit.commit_timezone = 0
        commit.encoding = b"UTF-8"
        commit.message = message(before, after, titles).encode()
        objects.add_object(commit)
        _replace_locked(kb, git / os.fsdecode(branches[-1]), commit.id + b"\n")
        return commit.id.decode()


def message(before: Tree, after: Tree, titles: Mapping[str, str]) -> str:
    """Return what a commit says: how many notes came, changed and went, and which."""
    old, new = _items(before), _items(after)
    changes = {
        "Add": sorted(set(new) - set(old)),
        "Update": sorted(
            each for each in new if each in old and new[each] != old[each]
        ),
        "Remove": sorted(set(old) - set(new)),
    }
    said = [f"{verb} {_counted(names)}" for verb, names in changes.items() if names]
    if not said:
        return "Write the pages anew\n"
    subject = ", ".join([said[0], *(each.lower() for each in said[1:])])
    lines = [
        f"{verb}: {titles.get(name, name)}"
        for verb, names in changes.items()
        for name in names
    ]
    if len(lines) > NAMED:
        lines = [*lines[:NAMED], f"and {len(lines) - NAMED} more"]
    return "\n".join([subject, "", *lines]) + "\n"


class _Objects:
    """Writes objects; dulwich's own way leaves a lock when it is killed."""

    def __init__(self, repo: Repo, temporary: Path) -> None:
        self._store, self._temporary = repo.object_store, temporary
        self._folder = Path(repo.controldir()) / "objects"

    def add_object(self, obj: ShaFile) -> None:
        if obj.id in self._store:
            return
        name = obj.id.decode()
        path = self._folder / name[:2] / name[2:]
        path.parent.mkdir(exist_ok=True)
        self._temporary.unlink(missing_ok=True)
        with self._temporary.open("wb") as file:
            file.write(obj.as_legacy_object())
            file.flush()
            # A branch must not point to what a power cut takes away.
            os.fsync(file.fileno())
        self._temporary.chmod(0o444)
        self._temporary.replace(path)


def _prepare(kb: KnowledgeBase, git: Path) -> None:
    """Make the repository if there is none, and remove locks of a killed run."""
    fresh = kb.hidden / "new-repository"
    if fresh.exists():
        shutil.rmtree(fresh)
    if not git.exists():
        fresh.mkdir()
        Repo.init(str(fresh), default_branch=BRANCH).close()
        (fresh / ".git").rename(git)
        fresh.rmdir()
    if not git.is_dir():
        raise KnowledgeBaseError("The knowledge base's .git is no folder.")
    own = _own(kb)
    if own.exists():
        locks = [git / "index.lock", *(git / "refs" / "heads").rglob("*.lock")]
        for lock in locks:
            # A link to our own file, so nobody else's; and we are the one who writes.
            with contextlib.suppress(FileNotFoundError):
                if lock.samefile(own):
                    lock.unlink()
        own.unlink()


def _replace_locked(kb: KnowledgeBase, path: Path, data: bytes) -> None:
    """Replace a file as git does, under its lock, which other gits respect.

    The lock comes into being with all that is to be in it, as a second name of a file
    of ours: whoever finds it later can tell whose it is.
    """
    own, lock = _own(kb), path.with_name(f"{path.name}.lock")
    own.unlink(missing_ok=True)
    with own.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(own, lock)
    except FileExistsError:
        raise TryLater(f"Another git writes: {lock.name} is there.") from None
    lock.replace(path)
    own.unlink()


def _own(kb: KnowledgeBase) -> Path:
    return kb.hidden / "git-lock"


def _ours(root: Path, objects: _Objects) -> Tree:
    found: Tree = {}
    for path in _files(root):
        blob = Blob.from_string(path.read_bytes())
        objects.add_object(blob)
        found[os.fsencode(path.relative_to(root).as_posix())] = (MODE, blob.id)
    return found


def _files(root: Path) -> Iterator[Path]:
    for name in OURS:
        top = root / name
        for path in [top] if not top.is_dir() else sorted(top.rglob("*")):
            if path.exists() and stat.S_ISREG(path.lstat().st_mode):
                yield path


def _is_ours(path: bytes) -> bool:
    return path.partition(b"/")[0].decode("utf-8", "replace") in OURS


def _tree(repo: Repo, commit: ObjectID | None) -> Tree:
    if commit is None:
        return {}
    entries = repo.object_store.iter_tree_contents(repo[commit].tree)
    return {each.path: (each.mode, each.sha) for each in entries}


def _write_index(kb: KnowledgeBase, git: Path, ours: Tree) -> None:
    """Stage what is ours; what others staged stays staged."""
    path = git / "index"
    entries = dict(Index(str(path)).items()) if path.exists() else {}
    staged = {
        name: (entry.mode, entry.sha)
        for name, entry in entries.items()
        if _is_ours(name) and isinstance(entry, IndexEntry)
    }
    if staged == ours:
        return
    kept = {name: each for name, each in entries.items() if not _is_ours(name)}
    for name, (mode, sha) in ours.items():
        about = (kb.root / os.fsdecode(name)).stat()
        kept[name] = index_entry_from_stat(about, sha, mode)
    file = io.BytesIO()
    summed = IndexChecksumWriter(file)
    write_index_dict(summed, kept)
    summed.write_checksum()
    _replace_locked(kb, path, file.getvalue())


def _items(tree: Tree) -> dict[str, set[tuple[bytes, ObjectID]]]:
    """Return the files of each item."""
    found: dict[str, set[tuple[bytes, ObjectID]]] = {}
    for path, (_, sha) in tree.items():
        top, _, rest = path.partition(b"/")
        if top == b"items":
            slug = rest.partition(b"/")[0].decode("utf-8", "replace")
            found.setdefault(slug, set()).add((path, sha))
    return found


def _counted(names: list[str]) -> str:
    return "1 note" if len(names) == 1 else f"{len(names)} notes"
