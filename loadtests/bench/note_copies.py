"""Many notes out of a few: copies that have titles and words of their own.

Promise: the same seed gives the same notes; no two have a title or a text in common;
what they name stays what it is: categories, tags, links, images.
"""

import random
import re
import shutil
from pathlib import Path

#: Of the words that can be exchanged so many are.
SHARE = 0.4

#: Words between spaces: no parts of links, of tables' rules, of code, no names.
WORD = re.compile(r"(?<!\S)[a-z]{4,}(?=[\s,;])")

TITLE = re.compile(r"^title: (.+)$", re.MULTILINE)


def write(folder: Path, originals: Path, count: int, *, seed: int = 1) -> None:
    """Write `count` notes: the originals in a folder, then copies in one each.

    Args:
        folder: where to; what is there already stays.
        originals: a folder of Markdown files with front matter, and their images.
        count: how many notes.
        seed: of the words that are exchanged for others of the originals.
    """
    chance = random.Random(seed)
    paths = sorted(originals.rglob("*.md"))
    texts = [path.read_text(encoding="utf-8") for path in paths]
    known = sorted({word for text in texts for word in WORD.findall(_parts(text)[1])})
    for number in range(count):
        copy, which = divmod(number, len(paths))
        place = folder / f"copy-{copy}"
        if which == 0:
            notes = shutil.ignore_patterns("*.md")
            shutil.copytree(originals, place, ignore=notes)
        text = texts[which]
        if copy:
            text = _another(text, copy, known, chance)
        path = place / paths[which].relative_to(originals)
        path.write_text(text, encoding="utf-8")


def _another(text: str, copy: int, known: list[str], chance: random.Random) -> str:
    front, body = _parts(text)
    exchanged = WORD.sub(
        lambda word: chance.choice(known) if chance.random() < SHARE else word[0], body
    )
    return TITLE.sub(rf"title: \1, copy {copy}", front, count=1) + exchanged


def _parts(text: str) -> tuple[str, str]:
    """Return a note's front matter, with its fences, and its body."""
    end = text.index("\n---\n", 1) + len("\n---\n")
    return text[:end], text[end:]
