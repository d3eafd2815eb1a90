"""Search in a knowledge base: which items say something about a question."""

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reference_app.agent.embed import Embedder, Vectors
from reference_app.agent.errors import AgentError, KnowledgeBaseError
from reference_app.agent.kb import INDEX, KnowledgeBase, item_page
from reference_app.agent.text import clean

#: Letters of a question that are read, and hits that can be asked for.
MAX_QUERY = 2000
MAX_RESULTS = 100

#: Likeness below which an item says nothing about the question.
THRESHOLD = 0.15


@dataclass(frozen=True)
class Hit:
    """An item that was found; score is a cosine."""

    slug: str
    title: str
    category: str
    path: str
    score: float


@dataclass(frozen=True)
class Index:
    """The vectors of all items, and what turns a question into one."""

    embedder: Embedder
    vectors: Vectors
    entries: list[dict[str, str]]  #: slug, title and label, a row each

    @classmethod
    def build(
        cls, texts: Sequence[str], entries: Sequence[Mapping[str, str]]
    ) -> "Index":
        """Return an index of texts; what is said of each is given in the same order."""
        embedder = Embedder.fit(texts)
        return cls(embedder, embedder.vectors(texts), [dict(each) for each in entries])

    def to_bytes(self) -> bytes:
        """Return it as one file, so that its parts always belong together."""
        entries = np.frombuffer(json.dumps(self.entries).encode(), np.uint8)
        return self.embedder.to_bytes(vectors=self.vectors, entries=entries)

    @classmethod
    def load(cls, kb: KnowledgeBase) -> "Index":
        """Return the index of a knowledge base.

        Raises:
            KnowledgeBaseError: it has none, or a damaged one.
        """
        data = kb.read(INDEX)
        if data is None:
            raise KnowledgeBaseError("There is no index yet. Run the agent first.")
        try:
            embedder, beside = Embedder.from_bytes(data)
            entries = json.loads(beside["entries"].tobytes())
            return cls(embedder, beside["vectors"], entries)
        except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise KnowledgeBaseError(
                "The index is damaged. Run the agent again."
            ) from error

    def search(
        self, query: str, max_results: int = 5, threshold: float = THRESHOLD
    ) -> list[Hit]:
        """Return the items most like a question, the best first.

        Raises:
            AgentError: a question of nothing, or a number out of bounds.
        """
        query = clean(query)
        if not query or len(query) > MAX_QUERY:
            raise AgentError(f"Ask something, in at most {MAX_QUERY} letters.")
        if not 1 <= max_results <= MAX_RESULTS:
            raise AgentError(f"max_results={max_results}: from 1 to {MAX_RESULTS}.")
        if not -1 <= threshold <= 1:
            raise AgentError(f"threshold={threshold:g}: a cosine, from -1 to 1.")
        asked = self.embedder.vectors([query])[0]
        if not asked.any():
            return []  # not one word that any note has
        scores = np.round(self.vectors @ asked, 4)
        ranked = sorted(range(len(scores)), key=lambda each: (-scores[each], each))
        return [
            self._hit(each, float(scores[each]))
            for each in ranked[:max_results]
            if scores[each] >= threshold
        ]

    def _hit(self, row: int, score: float) -> Hit:
        entry = self.entries[row]
        slug = entry["slug"]
        return Hit(slug, entry["title"], entry["label"], item_page(slug), score)


def to_json(hits: Sequence[Hit]) -> list[dict[str, Any]]:
    """Return hits as JSON takes them."""
    return [
        {
            "slug": hit.slug,
            "title": hit.title,
            "category": hit.category,
            "path": hit.path,
            "score": round(hit.score, 4),
        }
        for hit in hits
    ]
