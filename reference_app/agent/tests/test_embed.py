import numpy as np
import pytest

from reference_app.agent.embed import DIRECTIONS, Embedder, typical, weights

TEXTS = [
    "The moon pulls the tide of the sea.",
    "A tide falls and rises with the moon.",
    "Rye bread needs a sour dough.",
    "The crust of bread is brown.",
]


def test_texts_that_share_words_are_alike_and_others_are_not():
    vectors = Embedder.fit(TEXTS).vectors(TEXTS)
    likeness = vectors @ vectors.T
    assert np.allclose(np.diag(likeness), 1, atol=1e-3)
    assert likeness[0, 1] > 0.2
    assert abs(likeness[0, 2]) < 0.01


def test_a_text_without_a_known_word_is_like_nothing():
    assert not Embedder.fit(TEXTS).vectors(["zebra", ""]).any()


@pytest.mark.parametrize("texts", [[], [""], ["the of and"], ["one"], ["same"] * 3])
def test_few_texts_or_words_are_no_error(texts):
    embedder = Embedder.fit(texts)
    assert embedder.vectors(texts).shape[0] == len(texts)
    assert np.isfinite(embedder.vectors(texts)).all()


def test_it_is_stored_and_read_as_it_was():
    embedder = Embedder.fit(TEXTS)
    vectors = embedder.vectors(TEXTS)
    data = embedder.to_bytes(vectors=vectors)
    assert data == Embedder.fit(TEXTS).to_bytes(vectors=vectors)
    again, beside = Embedder.from_bytes(data)
    assert again.vocabulary == embedder.vocabulary == sorted(embedder.vocabulary)
    assert (beside["vectors"] == vectors).all()
    assert (again.vectors(TEXTS) == vectors).all()


def test_directions_are_few_and_point_one_way():
    texts = [f"word{each} word{each + 1} water" for each in range(200)]
    directions = Embedder.fit(texts).directions
    assert len(directions) <= DIRECTIONS
    largest = np.abs(directions).argmax(axis=1)
    assert (directions[np.arange(len(directions)), largest] > 0).all()


def test_a_text_about_the_common_subject_is_typical():
    texts = [
        "bread and dough",
        "bread and crust",
        "a lonely telescope",
        "dough of bread",
    ]
    assert int(typical(weights(texts)).argmin()) == 2
    assert typical(weights(["the", "of"])).tolist() == [0, 0]
