import os

import pytest

from reference_app.agent.errors import ItemError
from reference_app.agent.files import locate, read_inside, replace


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / "note.md").write_text("text")
    (tmp_path / "secret").write_text("secret")
    return folder


def test_a_file_in_the_folder_is_read(root):
    (root / "same.md").symlink_to("note.md")
    assert read_inside(root, "note.md", 4) == b"text"
    assert read_inside(root, "same.md", 4) == b"text"


@pytest.mark.parametrize("path", ["../secret", "/etc/hostname", "link", "inner/secret"])
def test_what_lies_outside_is_not_opened(root, path):
    (root / "link").symlink_to("../secret")
    (root / "inner").symlink_to("..")
    with pytest.raises(ItemError, match="lies outside the folder"):
        read_inside(root, path, 100)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("nothing.md", "is missing"),
        ("note.md/inner", "is missing"),
        (".", "is no file"),
        ("pipe", "is no file"),
        ("loop", "cannot be reached"),
        ("a\x00b", "cannot be reached"),
        ("x" * 300, "cannot be reached"),
    ],
)
def test_what_is_no_file_is_told(root, path, reason):
    os.mkfifo(root / "pipe")
    (root / "loop").symlink_to("loop")
    with pytest.raises(ItemError, match=reason):
        locate(root, path)


def test_more_than_the_limit_is_not_read(root):
    (root / "large.md").write_bytes(b"x" * 2049)
    with pytest.raises(ItemError, match="larger than 2 KiB"):
        read_inside(root, "large.md", 2048)


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "deep" / "file"
    replace(path, b"old", tmp_path / "new")
    replace(path, b"new", tmp_path / "new")
    assert path.read_bytes() == b"new"
    assert not (tmp_path / "new").exists()
