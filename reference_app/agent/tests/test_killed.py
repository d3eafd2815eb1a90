"""A run that dies before any change of a file, and is run again.

Dying is complete: Python's audit hook sees each opening for writing, renaming, linking
and removing in the knowledge base, git's files among them, and nothing that comes after
the death takes place. So every state that a SIGKILL can leave between two system calls
is one that is tried here.
"""

import json
import random
import shutil
import subprocess

import pytest

from reference_app.agent.files import digest
from reference_app.agent.kb import KnowledgeBase
from reference_app.agent.state import State

# What dies inside dulwich cannot close its files.
pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)

#: Every death of a first run is tried once; this many tests share them.
SHARES = 16

#: Of the deaths of an update a quarter is tried.
QUARTER = SHARES // 4


@pytest.fixture
def whole(run, tmp_path, tree_of):
    run(root=tmp_path / "whole")
    return tree_of(tmp_path / "whole")


class Watching:
    """Sees to it that no step begins whose output is there already."""

    def __init__(self, root, whole, new_context, *, fresh=True):
        self._root, self.repeated, self._fresh = root, [], fresh
        self._records = {
            path.removeprefix(".agent/records/").removesuffix(".json"): json.loads(data)
            for path, data in whole.items()
            if path.startswith(".agent/records/")
        }
        self.ctx = new_context(on_mark=self._look)

    def _look(self, step, unit):
        state = State(KnowledgeBase(self._root))
        done = self._records[unit][step]
        if state.value(unit, step, done["key"]) is not None:
            self.repeated.append((step, unit))
        # In a knowledge base that was empty a file of this step came from this step.
        files = [(self._root / path, wanted) for path, wanted in done["files"].items()]
        there = [
            path.exists() and digest(path.read_bytes()) == wanted
            for path, wanted in files
        ]
        if self._fresh and files and all(there):
            self.repeated.append((step, unit))


def _git(root, *arguments):
    done = subprocess.run(
        ["git", "-C", str(root), *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout


def _check(root, whole, tree_of):
    assert tree_of(root) == whole
    assert _git(root, "status", "--porcelain") == ""
    locks = [path.name for path in (root / ".git").rglob("*.lock")]
    assert locks == []
    hidden = {path.name for path in (root / ".agent").iterdir()}
    assert hidden == {"lock", "records", "index.npz", "bookmarks.json", "left_out.json"}


@pytest.mark.parametrize("share", range(SHARES))
def test_a_run_killed_at_any_change_ends_like_an_undisturbed_one(
    run, tmp_path, whole, dying, new_context, tree_of, share
):
    changes = dying(tmp_path / "all", 0, lambda: run(root=tmp_path / "all"))
    assert changes > 100
    for at in range(1 + share, changes + 1, SHARES):
        root = tmp_path / f"kb-{at}"
        assert dying(root, at, lambda: run(root=root)) == at  # noqa: B023
        watching = Watching(root, whole, new_context)
        run(root=root, ctx=watching.ctx)
        assert watching.repeated == [], at
        _check(root, whole, tree_of)
    assert _git(root, "fsck", "--strict", "--no-dangling") == ""
    assert len(_git(root, "log", "--format=%s").splitlines()) == 1


@pytest.mark.parametrize("seed", range(4))
def test_a_run_killed_again_and_again_ends_like_an_undisturbed_one(
    run, tmp_path, whole, dying, new_context, tree_of, seed
):
    chance, root = random.Random(seed), tmp_path / "kb"
    done = []
    for _ in range(20):
        watching = Watching(root, whole, new_context)
        at = chance.randint(1, 40)
        changes = dying(root, at, lambda: run(root=root, ctx=watching.ctx))  # noqa: B023
        assert watching.repeated == []
        done += watching.ctx.marks
        if changes < at:
            break
    run(root=root)
    _check(root, whole, tree_of)
    items = [each for each in done if each[0] in ("cache", "llm")]
    # A step is begun again only if the death came between its begin and its record.
    assert len(items) <= len(set(items)) + 20


@pytest.mark.parametrize("share", range(QUARTER))
def test_an_update_killed_at_any_change_ends_like_an_undisturbed_one(
    run, notes, tmp_path, dying, new_context, tree_of, share
):
    """One note gets another image, one goes, one comes, two become the only ones."""
    after = tmp_path / "after"
    shutil.copytree(notes, after)
    (after / "other.png").write_bytes((notes / "wave.png").read_bytes())
    ebb = (notes / "ebb.md").read_text()
    (after / "ebb.md").write_text(ebb.replace("wave.png", "other.png"))
    (after / "rye.md").rename(after / "oats.md")
    (after / "flood.md").write_text("A note without a category, on floods of the sea.")
    begun = tmp_path / "begun"
    run(root=begun)
    shutil.copytree(begun, tmp_path / "whole")
    changes = dying(
        tmp_path / "whole", 0, lambda: run(root=tmp_path / "whole", origin=after)
    )
    whole = tree_of(tmp_path / "whole")
    run(root=tmp_path / "afresh", origin=after)
    assert tree_of(tmp_path / "afresh") == whole
    for at in range(1 + share, changes + 1, SHARES):
        root = tmp_path / f"kb-{at}"
        shutil.copytree(begun, root)
        dying(root, at, lambda: run(root=root, origin=after))  # noqa: B023
        watching = Watching(root, whole, new_context, fresh=False)
        run(root=root, ctx=watching.ctx, origin=after)
        assert watching.repeated == [], at
        _check(root, whole, tree_of)
    assert len(_git(root, "log", "--format=%s").splitlines()) == 2
