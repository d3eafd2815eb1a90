import subprocess

import pytest

from reference_app.agent import git_sync
from reference_app.agent.errors import KnowledgeBaseError, TryLater
from reference_app.agent.kb import KnowledgeBase

NOW_S = 1_700_000_000.0


@pytest.fixture
def kb(tmp_path):
    base = KnowledgeBase(tmp_path / "kb")
    with base.writing():
        base.write("README.md", b"# Knowledge base\n")
        base.write("items/a/README.md", b"# A\n")
        base.write(".gitignore", b"/.agent/\n")
    return base


@pytest.fixture
def git(kb):
    """Return a function that runs the real git in the knowledge base."""

    def call(*arguments):
        command = ["git", "-C", str(kb.root), "-c", "user.name=u", "-c", "user.email=e"]
        done = subprocess.run(
            [*command, *arguments], check=True, capture_output=True, text=True
        )
        return done.stdout

    return call


def sync(kb, **titles):
    with kb.writing():
        return git_sync.sync(kb, titles, NOW_S)


def test_a_change_is_one_commit_that_git_finds_whole(kb, git):
    commit = sync(kb, a="About A")
    assert git("rev-parse", "HEAD").strip() == commit
    assert git("log", "-1", "--format=%an %ae %at %B").split("\n")[:3] == [
        "Knowledge base agent agent@localhost 1700000000 Add 1 note",
        "",
        "Add: About A",
    ]
    assert git("status", "--porcelain") == ""
    assert git("fsck", "--strict") == ""
    assert git("branch", "--show-current").strip() == "main"
    assert git("ls-files").split() == [".gitignore", "README.md", "items/a/README.md"]


def test_without_a_change_there_is_no_commit(kb, git):
    first = sync(kb)
    assert sync(kb) is None
    assert git("rev-parse", "HEAD").strip() == first


def test_the_message_says_what_came_changed_and_went(kb, git):
    for name in ("b", "c"):
        kb.write(f"items/{name}/README.md", name.encode())
    sync(kb)
    kb.write("items/a/README.md", b"# A, again\n")
    kb.write("items/d/README.md", b"# D\n")
    kb.remove("items/b/README.md")
    kb.remove("items/c/README.md")
    sync(kb, a="A", d="D")
    assert git("log", "-1", "--format=%B").strip().split("\n") == [
        "Add 1 note, update 1 note, remove 2 notes",
        "",
        "Add: D",
        "Update: A",
        "Remove: b",
        "Remove: c",
    ]
    kb.write("README.md", b"# Other words\n")
    sync(kb)
    assert git("log", "-1", "--format=%s").strip() == "Write the pages anew"


def test_what_others_committed_and_staged_stays(kb, git):
    sync(kb)
    (kb.root / "mine.txt").write_text("mine")
    git("add", "mine.txt")
    git("commit", "-m", "mine")
    (kb.root / "staged.txt").write_text("staged")
    git("add", "staged.txt")
    (kb.root / "untracked.txt").write_text("untracked")
    kb.write("items/b/README.md", b"# B\n")
    sync(kb)
    tracked = git("ls-tree", "-r", "--name-only", "HEAD").split()
    assert "mine.txt" in tracked
    assert "items/b/README.md" in tracked
    assert "staged.txt" not in tracked
    assert git("status", "--porcelain").split("\n")[:2] == [
        "A  staged.txt",
        "?? untracked.txt",
    ]


def test_it_commits_to_the_branch_that_is_checked_out(kb, git):
    sync(kb)
    git("checkout", "-q", "-b", "topic/one")
    git("pack-refs", "--all")
    kb.write("items/b/README.md", b"# B\n")
    commit = sync(kb)
    assert git("rev-parse", "topic/one").strip() == commit
    assert git("rev-parse", "main").strip() != commit


def test_the_lock_of_another_git_is_respected(kb):
    sync(kb)
    lock = kb.root / ".git" / "index.lock"
    lock.write_text("")
    kb.write("items/b/README.md", b"# B\n")
    with pytest.raises(TryLater, match=r"index\.lock"):
        sync(kb)
    assert lock.exists()
    lock.unlink()
    assert sync(kb) is not None


@pytest.mark.parametrize("at", ["index", "refs/heads/main"])
def test_our_own_lock_of_a_killed_run_is_removed(kb, at):
    sync(kb)
    own = kb.hidden / "git-lock"
    own.write_text("left by a kill")
    lock = kb.root / ".git" / f"{at}.lock"
    lock.hardlink_to(own)
    kb.write("items/b/README.md", b"# B\n")
    assert sync(kb) is not None
    assert not lock.exists()


def test_a_head_on_no_branch_is_told(kb, git):
    sync(kb)
    git("checkout", "-q", "--detach")
    with pytest.raises(KnowledgeBaseError, match="on no branch"):
        sync(kb)


def test_a_repository_elsewhere_is_told(kb):
    (kb.root / ".git").write_text("gitdir: /somewhere\n")
    with pytest.raises(KnowledgeBaseError, match="no folder"):
        sync(kb)
