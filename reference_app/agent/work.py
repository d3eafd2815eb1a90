"""What the phases of one run share."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from reference_app.agent.errors import KnowledgeBaseError
from reference_app.agent.generated import TextModel
from reference_app.agent.kb import BOOKMARKS, KnowledgeBase
from reference_app.agent.phases import Context, Part, Preferences, Progress, Report
from reference_app.agent.sentence_model import SentenceModel
from reference_app.agent.source import Listing
from reference_app.agent.state import State


@dataclass(frozen=True)
class Entry:
    """What other pages say of an item."""

    slug: str
    title: str
    category: str
    label: str
    summary: list[str]
    tags: list[str]
    key: str  #: what it was made from


@dataclass
class Work:
    """One run: where from, where to, what is wanted, whom to tell."""

    source: Path
    kb: KnowledgeBase
    state: State
    preferences: Preferences
    ctx: Context
    progress: Progress
    text_model: TextModel | None = None  #: None: no texts are wanted
    sentence_model: SentenceModel | None = None  #: None: the index is of words
    report: Report = field(default_factory=Report)

    def forced_by(self, part: Part) -> str | None:
        """Return the id under which a part is done anew; a later attempt has it too."""
        return self.ctx.job_id if self.preferences.forces(part) else None

    def resources_of(self, step: Part) -> AbstractContextManager[object]:
        """Return what a step of the content phase has while it runs."""
        if step.name == "llm" and self.text_model is not None:
            return self.text_model
        return nullcontext()

    def listing(self) -> Listing:
        """Return the bookmarks that were fetched.

        Raises:
            KnowledgeBaseError: none were.
        """
        stored = self.kb.read_json(BOOKMARKS)
        if stored is None:
            raise KnowledgeBaseError("No bookmarks were fetched yet. Fetch them first.")
        return Listing.from_json(stored)

    def entries(self) -> list[Entry]:
        """Return the items that have a page, sorted by title."""
        found = []
        for slug in self.state.units("items"):
            unit = f"items/{slug}"
            note = self.state.last(unit, "cache")
            told = self.state.last(unit, "llm")
            if note and told and self.state.last(unit, "kb_item"):
                found.append(
                    Entry(
                        slug,
                        note["title"],
                        told["category"],
                        told["label"],
                        told["summary"],
                        note["tags"],
                        self.state.last_key(unit, "cache"),
                    )
                )
        return sorted(found, key=lambda each: (each.title.casefold(), each.slug))
