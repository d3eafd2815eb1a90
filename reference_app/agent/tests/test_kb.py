import os
import signal
import subprocess
import sys

import pytest

from reference_app.agent.errors import KnowledgeBaseError, TryLater
from reference_app.agent.kb import KnowledgeBase


@pytest.fixture
def kb(tmp_path):
    return KnowledgeBase(tmp_path / "kb")


def test_one_writes_at_a_time_and_leaves_nothing_half_written(kb):
    with kb.writing():
        (kb.hidden / "new").write_text("half")
        with pytest.raises(TryLater), KnowledgeBase(kb.root).writing():
            pass
    with kb.writing():
        assert not (kb.hidden / "new").exists()


def test_a_killed_writer_leaves_no_lock(kb):
    code = (
        "import fcntl, os, sys, signal\n"
        "lock = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)\n"
        "fcntl.flock(lock, fcntl.LOCK_EX)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    with kb.writing():
        pass
    killed = subprocess.run([sys.executable, "-c", code, str(kb.hidden / "lock")])
    assert killed.returncode == -signal.SIGKILL
    with kb.writing():
        pass


def test_a_file_where_a_folder_should_be_is_told(tmp_path):
    (tmp_path / "file").write_text("x")
    for root in (tmp_path / "file", tmp_path / "file" / "kb"):
        told = pytest.raises(KnowledgeBaseError, match="Name a folder")
        with told, KnowledgeBase(root).writing():
            pass


def test_files_come_and_go(kb):
    with kb.writing():
        kb.write("a/b.md", b"text")
        assert kb.read("a/b.md") == b"text"
        assert kb.read("a") is None
        assert kb.read("a/b.md/c") is None
        kb.remove_folder("a")
        assert kb.read("a/b.md") == b"text"
        kb.remove("a/b.md")
        kb.remove("a/b.md")
        kb.remove_folder("a")
        assert not (kb.root / "a").exists()


def test_json_is_written_only_if_it_is_new(kb):
    with kb.writing():
        assert kb.write_json("x.json", {"b": 1, "a": "é"})
        assert not kb.write_json("x.json", {"a": "é", "b": 1})
        assert kb.read_json("x.json") == {"a": "é", "b": 1}
        os.truncate(kb.root / "x.json", 5)
        assert kb.read_json("x.json") is None
        assert kb.read_json("nothing.json") is None
