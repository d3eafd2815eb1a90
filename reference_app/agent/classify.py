"""Which category a note belongs to: the one it names, else the one it is most like.

Promise: the same notes get the same categories, in any order of asking. Where no note
names a category, notes that are alike are put together and named by their words.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reference_app.agent.embed import Embedder, Vectors
from reference_app.agent.text import slug, words

#: Likeness to a category below which a note belongs to none.
LEAST = 0.08

#: Groups of notes that name no category; rounds until they stand.
MAX_GROUPS = 12
ROUNDS = 30


@dataclass(frozen=True)
class Category:
    """A category, and how a note came to it: given, nearest, grouped or none."""

    slug: str
    label: str
    how: str


def named(label: str) -> Category:
    """Return the category that a note's author named."""
    return Category(slug(label), label[:1].upper() + label[1:], "given")


def classify(
    texts: Mapping[str, str], labels: Mapping[str, str]
) -> dict[str, Category]:
    """Return a category for each text; `labels` has those that are named."""
    given = {name: named(labels[name]) for name in sorted(labels)}
    others = [name for name in sorted(texts) if name not in given]
    if not others:
        return given
    names = sorted(texts)
    vectors = Embedder.fit([texts[name] for name in names]).vectors(
        [texts[name] for name in names]
    )
    rows = dict(zip(names, vectors, strict=True))
    if given:
        return given | _nearest(rows, given, others)
    return _grouped(texts, names, vectors)


def _nearest(
    rows: Mapping[str, Vectors], given: Mapping[str, Category], others: list[str]
) -> dict[str, Category]:
    labels = {each.slug: each.label for each in reversed(list(given.values()))}
    kinds = sorted(labels)
    middles = np.stack(
        [
            _unit(np.sum([rows[name] for name in given if given[name].slug == kind], 0))
            for kind in kinds
        ]
    )
    found = {}
    for name in others:
        likeness = np.round(middles @ rows[name], 4)
        best = int(likeness.argmax())
        found[name] = (
            Category(kinds[best], labels[kinds[best]], "nearest")
            if likeness[best] >= LEAST
            else Category("unsorted", "Unsorted", "none")
        )
    return found


def _grouped(
    texts: Mapping[str, str], names: list[str], vectors: Vectors
) -> dict[str, Category]:
    members = _groups(
        vectors, min(MAX_GROUPS, max(1, round(math.sqrt(len(names) / 2))))
    )
    everywhere = Counter(word for name in names for word in set(words(texts[name])))
    found: dict[str, Category] = {}
    for group in sorted(set(members)):
        inside = [
            name for name, each in zip(names, members, strict=True) if each == group
        ]
        seen = Counter(word for name in inside for word in set(words(texts[name])))
        ranked = sorted(
            (word for word in seen if not word.isdigit()),
            key=lambda word: (-(seen[word] ** 2) / everywhere[word], word),
        )
        label = " and ".join(ranked[:2]) or "Unsorted"
        category = Category(slug(label), label[:1].upper() + label[1:], "grouped")
        found |= dict.fromkeys(inside, category)
    return found


def _groups(vectors: Vectors, wanted: int) -> list[int]:
    """K-means on the sphere, from starts that lie far apart: no chance in it."""
    starts = [0]
    while len(starts) < wanted:
        nearest = np.round((vectors @ vectors[starts].T).max(axis=1), 4)
        starts.append(int(nearest.argmin()))
    middles = vectors[starts]
    members = np.zeros(len(vectors), int)
    for _ in range(ROUNDS):
        before, members = members, np.round(vectors @ middles.T, 4).argmax(axis=1)
        if (members == before).all():
            break
        middles = np.stack(
            [_unit(vectors[members == each].sum(axis=0)) for each in range(wanted)]
        )
    return [int(each) for each in members]


def _unit(vector: Vectors) -> Vectors:
    length = float(np.linalg.norm(vector))
    return vector / length if length else vector
