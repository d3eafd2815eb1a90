"""The pages that people read: of an item, of a category, of the whole."""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from reference_app.agent import kb
from reference_app.agent.markdown import Writer
from reference_app.agent.notes import Note, markdown
from reference_app.agent.text import clean, escaped, shortened
from reference_app.agent.work import Entry

#: Letters of what the first page says of an item.
IN_SHORT = 160


def item(
    note: Note,
    told: Mapping[str, Any],
    shown: Mapping[str, Mapping[str, Any]],
    link: Callable[[str], str | None],
    origin: str,
) -> str:
    """Return the page of an item: its summary, then the note itself.

    Args:
        note: the note.
        told: its category and summary; maybe a text that a model has written.
        shown: of each image, its file or why there is none.
        link: where a link of the note leads from this page.
        origin: where the note came from.
    """

    def image(where: str, words: str) -> str:
        found = shown.get(where, {"reason": "is one image too many"})
        if "file" in found:
            return f"![{escaped(words)}]({found['file']})"
        return f"*(image left out: {_code(where)} {escaped(found['reason'])})*"

    body = Writer(link, image, note.title).write(markdown(note.body))
    category = f"../../{kb.category_page(told['category'])}"
    parts = [
        f"# {escaped(note.title)}",
        f"[Knowledge base](../../{kb.README}) / [{escaped(told['label'])}]({category})",
    ]
    if told["summary"] and len(note.sentences) > len(told["summary"]):
        said = " ".join(escaped(sentence) for sentence in told["summary"])
        parts.append(f"> **In the note's own words:** {said}")
    if "generated" in told:
        parts.append(_generated(told["generated"]))
    parts += [body, "---", _origin(note.tags, origin)]
    return "\n\n".join(part for part in parts if part) + "\n"


def category(label: str, entries: Sequence[Entry], *, synthesis: bool) -> str:
    """Return the page of a category; `synthesis`: whether it has such a page."""
    parts = [f"# {escaped(label)}", f"[Knowledge base](../../{kb.README})"]
    if synthesis:
        parts.append(f"{_notes(entries)}. [What they share](synthesis.md)")
    else:
        parts.append(f"{_notes(entries)}.")
    for each in entries:
        parts.append(f"## [{escaped(each.title)}](../../{kb.item_page(each.slug)})")
        parts.append(" ".join(escaped(sentence) for sentence in each.summary))
        parts.append(_tags(each.tags))
    return "\n\n".join(part for part in parts if part) + "\n"


def whole(
    entries: Sequence[Entry], left_out: Mapping[str, str], synthesised: set[str]
) -> str:
    """Return the first page: every category with its items, and what was left out."""
    groups = by_category(entries)
    categories = "1 category" if len(groups) == 1 else f"{len(groups)} categories"
    parts = ["# Knowledge base", f"{_notes(entries)} in {categories}."]
    for slug, inside in groups.items():
        page = kb.category_page(slug)
        parts.append(f"## [{escaped(inside[0].label)}]({page})")
        if slug in synthesised:
            shared = kb.synthesis_page(slug)
            parts.append(f"{_notes(inside)}, and [what they share]({shared}).")
        parts.append("\n".join(_line(each) for each in inside))
    if left_out:
        parts.append("## Left out")
        parts.append(
            "\n".join(
                f"- {_code(name)} {escaped(why)}"
                for name, why in sorted(left_out.items())
            )
        )
    return "\n\n".join(parts) + "\n"


def by_category(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """Return the entries of each category, the categories sorted by their names."""

    def kind(each: Entry) -> tuple[str, str]:
        return (each.category, each.slug)

    grouped = {
        slug: sorted(inside, key=lambda each: (each.title.casefold(), each.slug))
        for slug, inside in groupby(sorted(entries, key=kind), lambda e: e.category)
    }
    return dict(sorted(grouped.items()))


def _generated(made: Mapping[str, Any]) -> str:
    model, text = (escaped(made[name], starts=False) for name in ("model", "text"))
    return f"> **Written by a model ({model}), not in the note:** {text or '(nothing)'}"


def _line(each: Entry) -> str:
    said = shortened(each.summary[0], IN_SHORT) if each.summary else ""
    link = f"- [{escaped(each.title)}]({kb.item_page(each.slug)})"
    return f"{link}: {escaped(said)}" if said else link


def _notes(entries: Sequence[Entry]) -> str:
    return "1 note" if len(entries) == 1 else f"{len(entries)} notes"


def _origin(tags: Sequence[str], origin: str) -> str:
    return " · ".join(part for part in (_tags(tags), f"From {_code(origin)}") if part)


def _tags(tags: Sequence[str]) -> str:
    return "Tags: " + ", ".join(escaped(tag) for tag in tags) if tags else ""


def _code(name: str) -> str:
    return f"`{clean(name).replace('`', chr(39))}`"
