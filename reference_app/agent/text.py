"""Words, sentences, names for files, and text that is safe inside Markdown."""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping

from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

#: Letters of a slug; a file name has room for 255 bytes.
SLUG_LENGTH = 60

#: Words of the shortest sentence, and letters of the longest, that can be quoted.
SENTENCE_WORDS = 4
SENTENCE_LETTERS = 400

_WORD = re.compile(r"[^\W_]+")
_END = re.compile(r"(?<=[.!?])[\"'\u201d\u2019)\]]*\s+(?=[\"'\u201c\u2018(]?[^\W_a-z])")
_WHOLE = re.compile(r"[.!?\u2026][\"'\u201d\u2019)\]]*$")
_ABBREVIATED = re.compile(
    r"(?:\b(?:e\.g|i\.e|cf|ca|Dr|Mr|Mrs|Ms|St|No|vs|etc|Prof|approx)|(?:^|\s)[A-Z])\.$"
)
_SPECIAL = re.compile(r"([\\`*\[\]<>|~$]|(?<![^\W_])_|_(?![^\W_])|&(?=[#\w]))")
_LINE_START = re.compile(r"^(\s*\d*)(?:(?<!\d)([#+=:-])|(?<=\d)([.)]))")
#: What a digest behind a slug looks like; a name may not pretend to have one.
_DIGEST = re.compile(r"-[0-9a-f]{10}$")


def clean(text: str) -> str:
    """Return one line without control characters and halves of characters."""
    kept = "".join(
        " " if unicodedata.category(each) in ("Cc", "Cs", "Cf", "Zl", "Zp") else each
        for each in text
    )
    return " ".join(unicodedata.normalize("NFC", kept).split())


def words(text: str) -> list[str]:
    """Return the words that carry meaning, in lower case and in the singular."""
    found = _WORD.findall(unicodedata.normalize("NFKC", text).lower())
    return [
        _singular(word)
        for word in found
        if len(word) > 1 and word not in ENGLISH_STOP_WORDS
    ]


def _singular(word: str) -> str:
    # Harman's S-stemmer: few errors, and what is left is still a word to show.
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "sses", "xes", "zzes")):
        return word[:-2]
    return word[:-1]


def sentences(paragraph: str) -> list[str]:
    """Return the sentences of a paragraph that can stand alone."""
    found: list[str] = []
    start = 0
    line = clean(paragraph)
    for end in [*(match.end() for match in _END.finditer(line)), len(line)]:
        part = line[start:end].strip()
        if end < len(line) and _ABBREVIATED.search(part):
            continue
        start = end
        whole = _WHOLE.search(part) and not part[0].islower()
        if whole and len(_WORD.findall(part)) >= SENTENCE_WORDS:
            found.append(shortened(part, SENTENCE_LETTERS))
    return found


def shortened(text: str, letters: int) -> str:
    """Return the text, cut at a word if it is longer than so many letters."""
    if len(text) <= letters:
        return text
    return text[: letters - 1].rsplit(" ", 1)[0] + "…"


def slug(name: str) -> str:
    """Return a name for a file or folder: letters, digits, dashes, never a path."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    dashed = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    return dashed[:SLUG_LENGTH].strip("-") or f"x-{short_digest(name)}"


def slugs(names: Mapping[str, str]) -> dict[str, str]:
    """Return a slug for each key, made of its name; no two are alike.

    They do not depend on an order. Names that would be alike get a digest of their key.
    """
    wanted = {key: slug(name) for key, name in names.items()}
    often = Counter(wanted.values())
    return {
        key: short
        if often[short] == 1 and not _DIGEST.search(short)
        else f"{short}-{short_digest(key)}"
        for key, short in wanted.items()
    }


def short_digest(name: str) -> str:
    """Return ten letters that stand for a name."""
    data = name.encode("utf-8", "backslashreplace")
    return hashlib.sha256(data).hexdigest()[:10]


def escaped(text: str, *, starts: bool = True) -> str:
    """Return Markdown that shows this text, whatever is in it.

    Args:
        text: one line.
        starts: whether a line starts with it, where more signs mean something.
    """
    marked = _SPECIAL.sub(r"\\\1", text)
    return _LINE_START.sub(r"\1\\\2\3", marked) if starts else marked
