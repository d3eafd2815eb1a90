import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_app.agent.errors import ItemError
from reference_app.agent.notes import MAX_FRONT_MATTER, MAX_TITLE, parse

NOTE = b"""---
title: "The tide: a note"
category: Sea
tags: [moon, sun]
date: 2024-13-45
---
# Another title

The *moon* pulls the `sea` by [its mass](moon.md). It moves on every day.

- Low water comes six hours later.

| Hour | Height |
| --- | --- |
| 1 | **2** m |

![A wave](wave.png)
"""


def test_a_note_is_read_with_all_its_parts():
    note = parse(NOTE, "tide")
    assert note.title == "The tide: a note"
    assert (note.category, note.tags) == ("Sea", ["moon", "sun"])
    assert note.sentences == [
        "The moon pulls the sea by its mass.",
        "It moves on every day.",
        "Low water comes six hours later.",
    ]
    assert note.tables == [[["Hour", "Height"], ["1", "2 m"]]]
    assert note.links == ["moon.md"]
    assert note.images == [["wave.png", "A wave"]]
    assert "2 m" in note.text


@pytest.mark.parametrize(
    ("data", "title"),
    [
        (b"# A heading\n\nText.", "A heading"),
        (b"## Lower\n\n# Upper\n\nText.", "Upper"),
        (b"Text alone.", "file name"),
        (b"---\ntitle: [not, text]\n---\nText.", "file name"),
        (b"---\ntitle: 007\n---\nText.", "007"),
        (b"---\ntitle: |\n  two\n  lines\n---\nText.", "two lines"),
        (b"---\n---\nText.", "file name"),
    ],
)
def test_a_title_is_found(data, title):
    assert parse(data, "file name").title == title


def test_a_title_is_not_longer_than_a_page_wants():
    assert len(parse(b"# " + b"word " * 1000 + b"\n\nText.", "x").title) <= MAX_TITLE


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_common_encodings_are_read(encoding):
    assert parse("# Ebbe für Möwen\r\n\r\nText.".encode(encoding), "x").title == (
        "Ebbe für Möwen"
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"---\ntitle: x\n---\n\n", "is empty"),
        (b"a\x00b", "is not text"),
        (b"\x89PNG\r\n\x1a\n\x00", "is not text"),
        (b"\x81 in no encoding", "is not text"),
        (b"\xff\xfe\x00", "is not text"),
        (b"---\na: [\n---\nText.", "is no YAML"),
        (b"---\n- a\n- b\n---\nText.", "without names"),
        (b"---\n[a]: b\n---\nText.", "is no YAML"),
        (b"---\na: &x [1]\nb: [*x, *x]\n---\nText.", "alias"),
        (b"---\na: " + b"[" * 4000 + b"\n---\nText.", "is no YAML"),
        (b"---\na: " + b"x" * MAX_FRONT_MATTER + b"\n---\nText.", "front matter"),
        (b"---\na: !!python/object/apply:os.getcwd []\n---\n", "is empty"),
    ],
)
def test_what_is_no_note_is_told(data, reason):
    with pytest.raises(ItemError, match=reason):
        parse(data, "x")


@given(
    st.one_of(
        st.binary(max_size=400),
        st.text(alphabet="-: \n[]{}&*!|>#`\"'ab", max_size=200).map(
            lambda text: f"---\n{text}\n---\n{text}".encode()
        ),
    )
)
def test_bytes_are_a_note_or_a_reason(data):
    try:
        note = parse(data, "x")
    except ItemError:
        return
    assert note.title
    assert note.text.encode()
