"""Search in a knowledge base: which items say something about a question."""

import json
import zipfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reference_app.agent.bounds import MAX_QUERY, MAX_RESULTS, RESULTS, THRESHOLD
from reference_app.agent.embed import Embedder, Vectors
from reference_app.agent.errors import AgentError, KnowledgeBaseError
from reference_app.agent.kb import INDEX, KnowledgeBase, item_page
from reference_app.agent.sentence_model import SentenceModel
from reference_app.agent.text import clean


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
    model: SentenceModel | None = None  #: whose vectors they are; None: the embedder's

    @classmethod
    def build(
        cls,
        texts: Sequence[str],
        entries: Sequence[Mapping[str, str]],
        model: SentenceModel | None = None,
        on_batch: Callable[[int], None] = lambda _: None,
    ) -> "Index":
        """Return an index of texts.

        Args:
            texts: of the items.
            entries: what is said of each, in the same order.
            model: what makes the vectors; None: the embedder, which is made anyway, for
                its words.
            on_batch: as of SentenceModel.vectors.
        """
        embedder = Embedder.fit(texts)
        if model is None:
            vectors = embedder.vectors(texts)
        else:
            vectors = model.vectors(texts, on_batch)
        return cls(embedder, vectors, [dict(each) for each in entries], model)

    def to_bytes(self) -> bytes:
        """Return it as one file, so that its parts always belong together."""
        entries = np.frombuffer(json.dumps(self.entries).encode(), np.uint8)
        beside = {"vectors": self.vectors, "entries": entries}
        if self.model is not None:
            made_by = json.dumps([self.model.name, self.model.digest])
            beside["model"] = np.frombuffer(made_by.encode(), np.uint8)
        return self.embedder.to_bytes(**beside)

    @classmethod
    def load(cls, kb: KnowledgeBase, model: SentenceModel | None = None) -> "Index":
        """Return the index of a knowledge base.

        Args:
            kb: the knowledge base.
            model: what makes a vector of a question; None: the embedder.

        Raises:
            KnowledgeBaseError: it has none, a damaged one, or one that was made with
                another model.
        """
        data = kb.read(INDEX)
        if data is None:
            raise KnowledgeBaseError("There is no index yet. Run the agent first.")
        try:
            embedder, beside = Embedder.from_bytes(data)
            entries = json.loads(beside["entries"].tobytes())
            made_by = ["", ""]
            if "model" in beside:
                made_by = json.loads(beside["model"].tobytes())
            index = cls(embedder, beside["vectors"], entries, model)
        except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise KnowledgeBaseError(
                "The index is damaged. Run the agent again."
            ) from error
        _same(made_by, model)
        return index

    def search(
        self, query: str, max_results: int = RESULTS, threshold: float = THRESHOLD
    ) -> list[Hit]:
        """Return the items most like a question, the best first.

        Raises:
            AgentError: a question of nothing, or a number out of bounds.
        """
        if not 1 <= max_results <= MAX_RESULTS:
            raise AgentError(f"max_results={max_results}: from 1 to {MAX_RESULTS}.")
        if not -1 <= threshold <= 1:
            raise AgentError(f"threshold={threshold:g}: a cosine, from -1 to 1.")
        ranked = self._ranked(query)[:max_results]
        return [hit for hit in ranked if hit.score >= threshold]

    def among(self, query: str, slugs: Collection[str]) -> list[Hit]:
        """Return these items, those most like a question first, none of them twice.

        Raises:
            AgentError: a question of nothing, or an item that the index lacks.
        """
        unknown = sorted({*slugs} - {entry["slug"] for entry in self.entries})
        if unknown:
            raise AgentError(f"The index has no item {unknown}. Search again.")
        return [hit for hit in self._ranked(query) if hit.slug in slugs]

    def _ranked(self, query: str) -> list[Hit]:
        query = clean(query)
        if not query or len(query) > MAX_QUERY:
            raise AgentError(f"Ask something, in at most {MAX_QUERY} letters.")
        if not self.entries:
            return []
        asked = (self.model or self.embedder).vectors([query])[0]
        if not asked.any():
            return []  # not one word that any note has
        scores = np.round(self.vectors @ asked, 4)
        ranked = sorted(range(len(scores)), key=lambda each: (-scores[each], each))
        # A score that was shown is the score, to the last digit: it may come back as
        # the threshold.
        return [self._hit(each, round(float(scores[each]), 4)) for each in ranked]

    def _hit(self, row: int, score: float) -> Hit:
        entry = self.entries[row]
        slug = entry["slug"]
        return Hit(slug, entry["title"], entry["label"], item_page(slug), score)


def _same(made_by: Sequence[str], model: SentenceModel | None) -> None:
    """See to it that questions and items are compared as vectors of one model.

    Where the model lies does not matter, only which files it is made of.
    """
    name, digest = made_by
    if digest == (model.digest if model else ""):
        return
    now = model.name if model else ""
    raise KnowledgeBaseError(
        f"The index was made with AGENT_SENTENCE_MODEL={name!r}, and now it is {now!r}"
        f"{', with other files' if now == name else ''}. Run the agent again, or set "
        "it back."
    )


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
