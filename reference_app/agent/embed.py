"""Embeddings of texts: TF-IDF, then the directions in which the texts differ most.

Promise: the same texts give the same numbers, in any folder and any process; two texts
that share no word have a similarity of about 0. Cost grows linearly with the texts.
"""

import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import normalize
from sklearn.utils.extmath import randomized_svd

from reference_app.agent.text import words

#: Words that are known; the rarest go first.
MAX_WORDS = 20_000

#: Directions kept. Up to so many texts nothing is lost.
DIRECTIONS = 128

#: A direction this much weaker than the first is noise.
WEAKEST = 1e-3

#: Digits of what is stored: what the order of an addition changes lies below.
DIGITS = 5

Vectors = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class Embedder:
    """Turns texts into vectors of length 1, or 0 where no word is known."""

    vocabulary: list[str]
    rarity: Vectors  #: of each word, its inverse document frequency
    directions: Vectors  #: [directions, words]

    @classmethod
    def fit(cls, texts: Sequence[str]) -> "Embedder":
        """Learn the words and the directions of these texts."""
        counts, vocabulary = _count(texts)
        if not vocabulary:
            return cls([], np.zeros(0, np.float32), np.zeros((0, 0), np.float32))
        seen = np.bincount(counts.indices, minlength=len(vocabulary))
        rarity = np.log((1 + len(texts)) / (1 + seen)) + 1
        weights = _weigh(counts, rarity)
        wanted = min(DIRECTIONS, *weights.shape)
        _, strength, found = randomized_svd(weights, wanted, random_state=0)
        found = found[strength > WEAKEST * strength[0]]
        # A direction and its opposite are equally right: the largest entry is positive.
        largest = np.abs(found).argmax(axis=1)
        found *= np.sign(found[np.arange(len(found)), largest])[:, None]
        return cls(vocabulary, stored(rarity), stored(found))

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Return a row for each text."""
        if not self.vocabulary or not texts:
            return np.zeros((len(texts), len(self.directions)), np.float32)
        known = {word: number for number, word in enumerate(self.vocabulary)}
        counter = CountVectorizer(analyzer=words, vocabulary=known)
        weights = _weigh(counter.transform(texts), self.rarity)
        return stored(normalize(weights @ self.directions.T))

    def to_bytes(self, **beside: Any) -> bytes:
        """Return the embedder, and arrays that belong to it, as a .npz file."""
        file = io.BytesIO()
        named = json.dumps(self.vocabulary).encode()
        np.savez(
            file,
            vocabulary=np.frombuffer(named, np.uint8),
            rarity=self.rarity,
            directions=self.directions,
            **beside,
        )
        return file.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> tuple["Embedder", dict[str, Any]]:
        """Return what `to_bytes` was given.

        Raises:
            ValueError, KeyError, EOFError, zipfile.BadZipFile: it is not from there.
        """
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            arrays = dict(stored)
        vocabulary = json.loads(arrays.pop("vocabulary").tobytes())
        return cls(vocabulary, arrays.pop("rarity"), arrays.pop("directions")), arrays


def weights(texts: Sequence[str]) -> sparse.csr_matrix:
    """Return the TF-IDF of a few texts among each other: [texts, words], length 1."""
    counts, vocabulary = _count(texts)
    seen = np.bincount(counts.indices, minlength=len(vocabulary))
    return _weigh(counts, np.log((1 + len(texts)) / (1 + seen)) + 1)


def typical(weighed: sparse.csr_matrix) -> Vectors:
    """Return how much each text is like all of them together: 0 to 1.

    Args:
        weighed: what `weights` returned for the texts.
    """
    middle = np.asarray(weighed.mean(axis=0)).ravel()
    length = np.linalg.norm(middle)
    likeness = np.asarray(weighed @ middle).ravel()
    return stored(likeness / length if length else likeness)


def _count(texts: Iterable[str]) -> tuple[sparse.csr_matrix, list[str]]:
    found = [words(text) for text in texts]
    if not any(found):
        return sparse.csr_matrix((len(found), 0)), []
    counter = CountVectorizer(analyzer=list, max_features=MAX_WORDS)
    counts = counter.fit_transform(found)
    return counts, counter.get_feature_names_out().tolist()


def _weigh(counts: sparse.csr_matrix, rarity: Vectors) -> sparse.csr_matrix:
    weighed = counts.astype(np.float64)
    weighed.data = 1 + np.log(weighed.data)  # the tenth time says less than the second
    if weighed.shape[1]:
        weighed = weighed.multiply(rarity).tocsr()
        weighed = normalize(weighed)
    return weighed


def stored(values: Any) -> Vectors:
    """Return numbers as they are stored, rounded to DIGITS; no zero has a sign."""
    return np.round(np.asarray(values), DIGITS).astype(np.float32) + np.float32(0)
