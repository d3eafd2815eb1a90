import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_app.agent.notes import markdown, plain
from reference_app.agent.text import (
    SLUG_LENGTH,
    clean,
    escaped,
    sentences,
    shortened,
    slug,
    slugs,
    words,
)


def test_words_are_singular_and_without_the_small_ones():
    text = "The tides, berries and boxes of the glass; physics is easy"
    assert words(text) == ["tide", "berry", "box", "glass", "physic", "easy"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It rises by day. It falls by night.", 2),
        ("At about 50 °C. Bakers call this the oven spring.", 2),
        ("So says Dr. Smith of the harbour. He knows the tide well.", 2),
        ("Use a lens, e.g. Fresnel's, for the lamp.", 1),
        ("The water comes in twice (see the table). 12 hours lie between them.", 2),
        ("Too short. No end of this sentence", 0),
        ("a point of a list without an end", 0),
    ],
)
def test_sentences_that_can_stand_alone_are_found(text, found):
    assert len(sentences(text)) == found


@given(st.text())
def test_a_slug_is_never_a_path(name):
    made = slug(name)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", made)
    assert len(made) <= SLUG_LENGTH


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "..", "a\x00b", ""]
)
def test_a_slug_leads_out_of_no_folder(name):
    assert "/" not in slug(name)
    assert not slug(name).startswith(".")


@given(st.dictionaries(st.text(), st.text(alphabet="aA-. é0", max_size=4)))
def test_no_two_slugs_are_alike_in_any_order(names):
    made = slugs(names)
    assert len(set(made.values())) == len(names)
    assert slugs(dict(reversed(names.items()))) == made


def test_a_name_cannot_take_the_slug_of_another():
    names = {"a": "Tide", "b": "tide", "c": slugs({"a": "Tide", "b": "tide"})["a"]}
    assert len(set(slugs(names).values())) == 3


@given(st.text())
def test_clean_text_is_one_line_that_can_be_stored(text):
    made = clean(text)
    assert made == clean(made)
    assert made.encode().decode() == made
    assert "\n" not in made
    assert "\x00" not in made


@given(st.text(alphabet=string.printable + "é“&"))
def test_escaped_text_shows_itself_and_does_nothing(text):
    line = clean(text)
    tree = markdown(f"Before\n\n{escaped(line)}")
    assert {node.type for node in tree.walk()} <= {
        "root",
        "paragraph",
        "inline",
        "text",
    }
    assert plain(tree) == "Before" + line


def test_a_long_text_is_cut_at_a_word():
    assert shortened("one two three", 13) == "one two three"
    assert shortened("one two three", 10) == "one two…"
