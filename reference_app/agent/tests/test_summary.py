import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_app.agent.summary import LENGTH, summarise

SENTENCES = [
    "The tide follows the moon.",
    "Spring tide comes at full moon and new moon.",
    "My aunt keeps a dog.",
    "Neap tide comes at the quarters of the moon.",
    "Tide and moon have one rhythm.",
]


def test_a_summary_is_made_of_the_typical_sentences_in_their_order():
    found = summarise(SENTENCES)
    assert len(found) == LENGTH
    assert found == [each for each in SENTENCES if each in found]
    assert "My aunt keeps a dog." not in found


def test_what_is_said_twice_is_told_once():
    assert summarise(["Bread is brown."] * 5) == ["Bread is brown."]


@pytest.mark.parametrize("sentences", [[], ["One."], ["the of", "and the"]])
def test_little_is_no_error(sentences):
    assert summarise(sentences) == sentences[: len(summarise(sentences))]


@given(st.lists(st.text(alphabet="abc ", max_size=12), max_size=8))
def test_nothing_is_added(sentences):
    found = summarise(sentences)
    assert len(found) <= LENGTH
    assert set(found) <= set(sentences)
