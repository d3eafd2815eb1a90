"""What can be wrong with a note, a source of notes, a knowledge base, or a question.

AgentError (a ValueError)
├── ItemError          one bookmark or one image cannot be used; the others can
├── SourceError        there are no bookmarks to be had from this source
├── KnowledgeBaseError the folder of the knowledge base cannot be used
├── EveryItemFailed    of all bookmarks not one could be used
├── NoModel            texts are wanted and there is no model to write them
├── NoSentenceModel    the model that AGENT_SENTENCE_MODEL names cannot be used
└── TryLater           somebody else writes at this moment, or the disk is full

Every message names what was found. An ItemError's is one line, and the same wherever
the folder lies: it is shown in the knowledge base.
"""

from collections.abc import Mapping

#: Bookmarks whose reasons a message tells.
TOLD = 5


class AgentError(ValueError):
    """Something about the notes or the knowledge base is wrong; the message says it."""


class ItemError(AgentError):
    """One bookmark or one image cannot be used."""


class SourceError(AgentError):
    """There are no bookmarks to be had from this source."""


class KnowledgeBaseError(AgentError):
    """The folder of the knowledge base cannot be used."""


class EveryItemFailed(AgentError):
    """Of all bookmarks not one could be used.

    Args:
        reasons: of each of them.
    """

    def __init__(self, reasons: Mapping[str, str]) -> None:
        told = [f"{name} {why}" for name, why in sorted(reasons.items())[:TOLD]]
        super().__init__(
            f"Of {len(reasons)} bookmarks not one can be used: {'; '.join(told)}."
        )


class NoModel(AgentError):
    """Texts are wanted and there is no model to write them."""


class NoSentenceModel(AgentError):
    """The model that AGENT_SENTENCE_MODEL names cannot be used."""


class TryLater(AgentError):
    """Somebody else writes at this moment, or the disk is full."""
