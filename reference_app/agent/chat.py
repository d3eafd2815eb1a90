"""An answer to a question, put together from sentences of the items that were found.

Every sentence is a note's own, and its number says which. Where no sentence fits, the
answer says so. Nothing is generated.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from reference_app.agent.bounds import MAX_QUERY
from reference_app.agent.embed import Embedder
from reference_app.agent.search import Hit
from reference_app.agent.text import clean, shortened, words

#: Sentences of an answer, and sentences of one source in it.
SENTENCES = 4
PER_SOURCE = 2

#: Share of the question's words, the rare ones counting more, that a sentence must
#: have to be an answer.
LEAST = 0.2

#: A source this much less like the question than the best one is off the subject.
BESIDE = 0.35

#: What a sentence's words, its likeness to the question, and its source count.
WEIGHTS = (0.5, 0.3, 0.2)

#: A message with more known words than this has a subject of its own.
FEW_WORDS = 2

_POINTS_BACK = re.compile(
    r"^\W*(?:and|but|so|what about|how about)\b"
    r"|\b(?:it|its|they|them|their|this|that|these|those|more)\b",
    re.IGNORECASE,
)

NOTHING = "The knowledge base says nothing about this."


@dataclass(frozen=True)
class Source:
    """An item that an answer quotes; its number stands behind the sentences."""

    number: int
    slug: str
    title: str
    path: str
    score: float
    sentences: list[str]


@dataclass(frozen=True)
class Answer:
    """What the knowledge base says; without sources: that it says nothing."""

    question: str
    text: str
    sources: list[Source]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON takes it; `generated` says that a model wrote the text."""
        return asdict(self) | {"found": bool(self.sources), "generated": False}


def is_follow_up(message: str, embedder: Embedder) -> bool:
    """Tell whether a message needs the question before it to be understood.

    It does if it points back ("And how is it measured?") and has few known words of its
    own, or no word that carries meaning ("Why?"). English only, and a guess: "it" may
    point at nothing.
    """
    own = words(message)
    known = set(own) & set(embedder.vocabulary)
    return not own or (
        len(known) <= FEW_WORDS and _POINTS_BACK.search(message) is not None
    )


def joined(before: str, message: str) -> str:
    """Return a question with what stands before it, cut to what can be read."""
    before, message = clean(before), clean(message)
    room = MAX_QUERY - len(message) - 1
    return f"{shortened(before, room)} {message}" if before and room > 0 else message


def context(
    question: str,
    hits: Sequence[Hit],
    sentences: Mapping[str, Sequence[str]],
    embedder: Embedder,
) -> list[Source]:
    """Return the sentences that answer, by source, the best source first.

    Args:
        question: what was asked.
        hits: the items that were found.
        sentences: those of each item, by slug.
        embedder: the one that the items were found with.
    """
    offered = [
        (rank, place, sentence)
        for rank, hit in enumerate(hits)
        for place, sentence in enumerate(sentences.get(hit.slug, ()))
        if hit.score >= BESIDE * hits[0].score
    ]
    if not offered:
        return []
    asked = embedder.vectors([question])[0]
    likeness = np.round(embedder.vectors([each[2] for each in offered]) @ asked, 4)
    rarity = dict(zip(embedder.vocabulary, embedder.rarity.tolist(), strict=True))
    known = {word: rarity[word] for word in words(question) if word in rarity}
    if not known:
        return []  # the items were found by what they mean: no sentence has its words
    shares = [
        sum(known.get(word, 0) for word in set(words(sentence))) / sum(known.values())
        for _, _, sentence in offered
    ]
    scores = [
        float(np.dot(WEIGHTS, (shares[row], likeness[row], hits[rank].score)))
        for row, (rank, _, _) in enumerate(offered)
    ]
    ranked = sorted(range(len(offered)), key=lambda row: (-round(scores[row], 4), row))
    chosen: dict[int, dict[int, str]] = {}
    said: set[str] = set()
    for row in ranked:
        rank, place, sentence = offered[row]
        if shares[row] < LEAST or len(said) == SENTENCES:
            continue
        inside = chosen.setdefault(rank, {})
        if sentence not in said and len(inside) < PER_SOURCE:
            inside[place] = sentence
            said.add(sentence)
    quoted = [(hits[rank], inside) for rank, inside in sorted(chosen.items()) if inside]
    return [
        Source(
            number,
            hit.slug,
            hit.title,
            hit.path,
            round(hit.score, 4),
            [inside[place] for place in sorted(inside)],
        )
        for number, (hit, inside) in enumerate(quoted, 1)
    ]


def answer(question: str, sources: Sequence[Source]) -> Answer:
    """Return an answer made of what the sources say."""
    parts = [f"{' '.join(each.sentences)} [{each.number}]" for each in sources]
    return Answer(question, " ".join(parts) or NOTHING, list(sources))
