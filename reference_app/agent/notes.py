"""A note: front matter, title, sentences, tables, links, images.

Raises ItemError for bytes that are no note; nothing else, whatever the bytes are.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from reference_app.agent.errors import ItemError
from reference_app.agent.text import clean, sentences, shortened

#: A note is read by a person: beyond this it is something else.
MAX_NOTE_BYTES = 256 * 1024
MAX_FRONT_MATTER = 8 * 1024
MAX_TITLE = 200
MAX_LABEL = 60
MAX_TAGS = 20

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*$\n?", re.S | re.M)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f]")


class _Loader(yaml.BaseLoader):
    """YAML in which everything is a string, and nothing can be said twice.

    Safer than safe: a few lines of anchors and aliases can stand for gigabytes.
    """

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise ItemError("has an alias in its front matter")
        return super().compose_node(parent, index)


@dataclass(frozen=True)
class Note:
    """What is in a note."""

    title: str
    body: str  #: Markdown, without front matter
    category: str = ""  #: as its author named it; empty: not named
    tags: list[str] = field(default_factory=list)
    paragraphs: list[str] = field(default_factory=list)  #: without mark-up
    tables: list[list[list[str]]] = field(default_factory=list)  #: rows of cells
    links: list[str] = field(default_factory=list)  #: where to
    images: list[list[str]] = field(default_factory=list)  #: where from, and words

    @property
    def sentences(self) -> list[str]:
        """What can be quoted."""
        return [each for text in self.paragraphs for each in sentences(text)]

    @property
    def text(self) -> str:
        """All that can be searched."""
        cells = (cell for table in self.tables for row in table for cell in row)
        return "\n".join([self.title, *self.tags, *self.paragraphs, *cells])


def parse(data: bytes, name: str) -> Note:
    """Return the note in these bytes; its file's name is the title of last resort."""
    text = decode(data)
    front, body = _split(text)
    tree = markdown(body)
    nodes = list(tree.walk())
    title = clean(_text_of(front.get("title"))) or _heading(nodes)
    labels = _texts_of(front.get("category") or front.get("categories"))
    prose = [node for node in nodes if node.type in ("paragraph", "heading")]
    note = Note(
        title=shortened(title or clean(name) or "Untitled", MAX_TITLE),
        body=body,
        category=labels[0] if labels else "",
        tags=_texts_of(front.get("tags"))[:MAX_TAGS],
        paragraphs=[text for text in (clean(plain(node)) for node in prose) if text],
        tables=[_rows(node) for node in nodes if node.type == "table"],
        links=_unique(_target(node, "href") for node in nodes if node.type == "link"),
        images=[
            [_target(node, "src"), clean(node.content)]
            for node in nodes
            if node.type == "image"
        ],
    )
    if not (note.paragraphs or note.tables or note.images or plain(tree).strip()):
        raise ItemError("is empty")
    return note


def decode(data: bytes) -> str:
    """Return the text in these bytes: UTF-8, UTF-16 with a mark, or Windows-1252."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if _CONTROL.search(text):
            raise ItemError("is not text")
        return text.replace("\r\n", "\n").replace("\r", "\n")
    raise ItemError("is not text")


def markdown(body: str) -> SyntaxTreeNode:
    """Return the tree of a Markdown text: CommonMark and tables, HTML as plain text."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    try:
        return SyntaxTreeNode(parser.parse(body))
    except (RecursionError, ValueError, IndexError) as error:
        raise ItemError("is no Markdown that can be read") from error


def _split(text: str) -> tuple[dict[str, Any], str]:
    match = _FRONT_MATTER.match(text)
    if match is None:
        return {}, text
    if len(match[1]) > MAX_FRONT_MATTER:
        raise ItemError(f"has more than {MAX_FRONT_MATTER} letters of front matter")
    try:
        front = yaml.load(match[1], Loader=_Loader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        if isinstance(error, ItemError):
            raise
        raise ItemError("has front matter that is no YAML") from None
    if front in (None, ""):
        front = {}
    if not isinstance(front, dict):
        raise ItemError("has front matter without names")
    return front, text[match.end() :]


def _heading(nodes: list[SyntaxTreeNode]) -> str:
    headings = [node for node in nodes if node.type == "heading"]
    first = next((each for each in headings if each.tag == "h1"), None)
    chosen = first or (headings[0] if headings else None)
    return "" if chosen is None else clean(plain(chosen))


def plain(node: SyntaxTreeNode) -> str:
    """Return what a part of a note says, without any mark-up."""
    if node.type in ("text", "code_inline", "fence", "code_block"):
        return node.content
    if node.type in ("softbreak", "hardbreak"):
        return " "
    if node.type == "image":
        return ""  # its words say what is seen, not what is said
    return "".join(plain(child) for child in node.children)


def _rows(table: SyntaxTreeNode) -> list[list[str]]:
    rows = [node for node in table.walk() if node.type == "tr"]
    return [[clean(plain(cell)) for cell in row.children] for row in rows]


def _target(node: SyntaxTreeNode, name: str) -> str:
    return str(node.attrs.get(name, ""))


def _unique(found: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(found))


def _text_of(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts_of(value: Any) -> list[str]:
    """Return what is a list, or words with commas between them, as labels."""
    listed = value if isinstance(value, list) else _text_of(value).split(",")
    found = (shortened(clean(_text_of(each)), MAX_LABEL) for each in listed)
    return [each for each in dict.fromkeys(found) if each]
