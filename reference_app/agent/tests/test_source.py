import json

import pytest

from reference_app.agent.errors import ItemError, SourceError
from reference_app.agent.source import Listing, load, read


def test_a_folder_is_listed_in_order_with_what_is_left_out(tmp_path):
    root = tmp_path / "root"
    (root / "b").mkdir(parents=True)
    (root / ".git").mkdir()
    (tmp_path / "outside.md").write_text("secret")
    for name in ("z.md", "a.TXT", "b/note.md", ".hidden.md", ".git/x.md", "pic.png"):
        (root / name).write_text("text")
    (root / "huge.md").write_bytes(b"x" * 300_000)
    (root / "link.md").symlink_to("../outside.md")
    (root / "gone.md").symlink_to("nothing.md")
    (root / "folder").symlink_to("..")
    (root / "dir.md").mkdir()
    listing = read(root)
    assert [each.id for each in listing.bookmarks] == ["a.TXT", "b/note.md", "z.md"]
    assert [each.slug for each in listing.bookmarks] == ["a", "b-note", "z"]
    assert listing.left_out == {
        "folder": "is a link to a folder",
        "gone.md": "is missing",
        "huge.md": "is larger than 256 KiB",
        "link.md": "lies outside the folder",
    }
    assert Listing.from_json(json.loads(json.dumps(listing.to_json()))) == listing


def test_a_name_that_is_not_text_is_told(tmp_path):
    (tmp_path / "caf\udce9.md").write_text("text")
    assert read(tmp_path).left_out == {r"caf\xe9.md": "has a name that is not text"}


@pytest.fixture
def bookmarks(tmp_path):
    """Return a function that writes a JSON file of bookmarks and reads it."""

    def write(entries):
        path = tmp_path / "bookmarks.json"
        path.write_text(json.dumps(entries))
        return path

    return write


def test_a_json_file_names_files_and_holds_texts(tmp_path, bookmarks):
    (tmp_path / "note.md").write_text("a note")
    path = bookmarks(
        {
            "bookmarks": [
                {
                    "text": "b text",
                    "id": "b",
                    "url": "https://example.org",
                    "title": "T",
                },
                {"path": "note.md", "tags": ["x"]},
            ]
        }
    )
    first, second = read(path).bookmarks
    assert (first.id, first.url, first.about) == (
        "b",
        "https://example.org",
        {"title": "T"},
    )
    assert (second.id, second.about) == ("note.md", {"tags": ["x"]})
    assert [load(each, tmp_path) for each in (first, second)] == [b"b text", b"a note"]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("text", "is no object"),
        ({}, "needs either a path or a text"),
        ({"path": "a", "text": "b"}, "needs either a path or a text"),
        ({"path": 3}, "has a path that is no text"),
        ({"text": "x", "run": "y"}, "says what is not known: run"),
        ({"path": "../../etc/passwd", "id": "p"}, "lies outside the folder"),
        ({"path": "/etc/hostname"}, "lies outside the folder"),
        ({"path": "nothing.md"}, "is missing"),
        ({"text": "\ud800", "id": "half"}, "is not text"),
    ],
)
def test_an_entry_that_cannot_be_used_is_told(bookmarks, entry, reason):
    listing = read(bookmarks([entry]))
    assert listing.bookmarks == []
    assert list(listing.left_out.values()) == [reason]


def test_of_two_with_one_id_the_first_is_used(bookmarks):
    listing = read(bookmarks([{"text": "one", "id": "x"}, {"text": "two", "id": "x"}]))
    assert [each.text for each in listing.bookmarks] == ["one"]
    assert listing.left_out == {"x": "comes twice; the first is used"}


@pytest.mark.parametrize("text", ["", "{", "3", "{}", "[" * 100_000, '"a"'])
def test_a_file_that_is_no_list_is_refused(tmp_path, text):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(SourceError):
        read(path)


def test_no_source_is_refused(tmp_path):
    with pytest.raises(SourceError, match="No folder and no file"):
        read(tmp_path / "nothing")


def test_a_text_that_is_too_long_is_told(bookmarks, tmp_path):
    listing = read(bookmarks([{"text": "x" * 300_000}]))
    with pytest.raises(ItemError, match="256 KiB"):
        load(listing.bookmarks[0], tmp_path)
