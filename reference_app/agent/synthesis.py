"""What the notes of a category have in common, in their own sentences.

A subject is a word that several notes of the category share and that is rarer in the
others. Under each stand sentences of different notes, with the note they are from.
Nothing is written that no note says.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reference_app.agent import kb
from reference_app.agent.embed import typical, weights
from reference_app.agent.text import escaped, words
from reference_app.agent.work import Entry

#: Subjects of a page, and quotations under each.
SUBJECTS = 5
QUOTATIONS = 3

#: A page of so many notes at least.
NOTES = 2


@dataclass(frozen=True)
class Subject:
    """A word that notes share, and what they say of it: slug and sentence."""

    word: str
    notes: int
    quotations: list[tuple[str, str]]


def spread(texts: Sequence[Sequence[str]]) -> Counter[str]:
    """Return in how many notes each word occurs; a note is its sentences."""
    return Counter(
        word for note in texts for word in {w for each in note for w in words(each)}
    )


def subjects(
    inside: Mapping[str, Sequence[str]], everywhere: Counter[str], total: int
) -> list[Subject]:
    """Return what the notes of a category share.

    Args:
        inside: the sentences of each of its notes.
        everywhere: in how many notes of all categories each word occurs.
        total: how many notes there are in all.
    """
    here = spread(list(inside.values()))
    others = max(1, total - len(inside))

    def weight(word: str) -> float:
        elsewhere = (everywhere[word] - here[word]) / others
        return here[word] * (here[word] / len(inside) - elsewhere)

    shared = [
        word
        for word in sorted(here)
        if here[word] >= NOTES and not word.isdigit() and weight(word) > 0
    ]
    shared.sort(key=lambda word: (-round(weight(word), 9), word))
    quotable = [(name, each) for name, note in inside.items() for each in note]
    scores = typical(weights([each for _, each in quotable]))
    ranked = sorted(range(len(quotable)), key=lambda each: (-float(scores[each]), each))
    having: dict[str, list[tuple[str, str]]] = {word: [] for word in shared}
    for each in ranked:
        for word in {*words(quotable[each][1])} & having.keys():
            having[word].append(quotable[each])
    found: list[Subject] = []
    used: set[str] = set()
    for word in shared:
        quotations = _quotations(having[word], used)
        if len(quotations) >= NOTES:
            used |= {sentence for _, sentence in quotations}
            found.append(Subject(word, here[word], quotations))
        if len(found) == SUBJECTS:
            break
    return found


def page(label: str, entries: Sequence[Entry], found: Sequence[Subject]) -> str:
    """Return the page of a category."""
    titles = {each.slug: each.title for each in entries}
    parts = [
        f"# {escaped(label)}: what the notes share",
        f"[Knowledge base](../../{kb.README}) / [{escaped(label)}]({kb.README})",
    ]
    if found:
        named = ", ".join(escaped(each.word) for each in found)
        parts.append(f"{len(entries)} notes meet in these words: {named}.")
    else:
        parts.append(f"{len(entries)} notes, which share no word that others lack.")
    for each in found:
        parts.append(f"## {escaped(each.word.capitalize())}")
        parts.append(f"In {each.notes} of {len(entries)} notes.")
        parts.append(
            "\n".join(
                f"- {escaped(sentence)} "
                f"([{escaped(titles[name])}](../../{kb.item_page(name)}))"
                for name, sentence in each.quotations
            )
        )
    return "\n\n".join(parts) + "\n"


def _quotations(
    ranked: Sequence[tuple[str, str]], used: set[str]
) -> list[tuple[str, str]]:
    """Return the most typical sentences, each of another note."""
    found: dict[str, str] = {}
    for name, sentence in ranked:
        if name not in found and sentence not in used:
            found[name] = sentence
        if len(found) == QUOTATIONS:
            break
    return list(found.items())
