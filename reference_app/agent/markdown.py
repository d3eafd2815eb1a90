"""A note's Markdown, written anew: the same text, with links and images of our own.

Promise: what was text stays text. HTML, and whatever looks like Markdown in a text, is
shown as it was written and does nothing.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from markdown_it.tree import SyntaxTreeNode

from reference_app.agent.notes import markdown, plain
from reference_app.agent.text import clean, escaped

#: A line's end; an odd backslash before it makes it a hard one.
_BREAK = re.compile(r"(?<!\\)((?:\\\\)*)\\?\n")


@dataclass(frozen=True)
class Writer:
    """Writes the tree of a note as Markdown.

    Args:
        link: where a link leads now; None: to nowhere, only its words stay.
        image: the Markdown for an image, from where it was and its words.
        title: a first heading that says just this is left out.
        emphasis: whether emphasis is kept.
    """

    link: Callable[[str], str | None]
    image: Callable[[str, str], str]
    title: str = ""
    emphasis: bool = True

    def write(self, tree: SyntaxTreeNode) -> str:
        """Return the whole text; headings are one level lower."""
        children = list(tree.children)
        first = children[0] if children else None
        if first and first.type == "heading" and clean(plain(first)) == self.title:
            children = children[1:]
        return self._blocks(children)

    def _blocks(self, nodes: list[SyntaxTreeNode], between: str = "\n\n") -> str:
        parts = [self._block(node) for node in nodes]
        return between.join(part for part in parts if part.strip())

    def _block(self, node: SyntaxTreeNode) -> str:
        kind = node.type
        if kind == "heading":
            level = min(6, int(node.tag[1]) + 1)
            return f"{'#' * level} {self._line(node)}"
        if kind in ("bullet_list", "ordered_list"):
            return self._list(node)
        if kind == "blockquote":
            inner = self._blocks(node.children)
            return "\n".join(f"> {line}".rstrip() for line in inner.split("\n"))
        if kind in ("fence", "code_block"):
            ticks = "`" * max(3, 1 + _longest(node.content))
            name = re.sub(r"[^\w+-].*", "", node.info.strip()) if node.info else ""
            return f"{ticks}{name}\n{node.content.rstrip(chr(10))}\n{ticks}"
        if kind == "table":
            return self._table(node)
        if kind == "hr":
            return "---"
        return self._inline(node)

    def _list(self, node: SyntaxTreeNode) -> str:
        paragraphs = [
            child
            for item in node.children
            for child in item.children
            if child.type == "paragraph"
        ]
        tight = all(child.hidden for child in paragraphs)
        number = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else 0
        lines = []
        for offset, item in enumerate(node.children):
            sign = f"{number + offset}. " if node.type == "ordered_list" else "- "
            inner = self._blocks(item.children, "\n" if tight else "\n\n")
            indented = inner.replace("\n", "\n" + " " * len(sign))
            lines.append(sign + indented)
        text = ("\n" if tight else "\n\n").join(lines)
        return "\n".join(line.rstrip() for line in text.split("\n"))

    def _table(self, node: SyntaxTreeNode) -> str:
        rows = [
            [self._line(cell) for cell in row.children]
            for row in node.walk()
            if row.type == "tr"
        ]
        return table(rows)

    def _line(self, node: SyntaxTreeNode) -> str:
        """Return what must stand in one line, so without breaks of either kind."""
        return _BREAK.sub(r"\1 ", self._inline(node))

    def _inline(self, node: SyntaxTreeNode) -> str:
        if node.type == "code_inline":
            content = node.content
            # In a table a bar ends the cell, in code as well.
            return _code(content.replace("|", r"\|") if _in_cell(node) else content)
        if node.type == "softbreak":
            return "\n"
        if node.type == "hardbreak":
            return "\\\n"
        if node.type == "image":
            return self.image(str(node.attrs.get("src", "")), clean(node.content))
        text = ""
        for child in node.children:
            if child.type == "text":
                starts = not text or text.endswith("\n")
                part = escaped(child.content, starts=starts)
            else:
                part = self._inline(child)
            if text.endswith("!") and part.startswith("["):
                text = text[:-1] + "\\!"  # else the link would be an image
            text += part
        if node.type == "link":
            target = self.link(str(node.attrs.get("href", "")))
            return text if target is None else f"[{text}]({_target(target)})"
        if node.type == "inline" and self.emphasis and _emphasised(node):
            # Signs that touch can mean something else: then better none of them.
            calm = replace(self, emphasis=False)._inline(node)
            return text if _said(text) == _said(calm) else calm
        mark = {"em": "*", "strong": "**"}.get(node.type, "") if self.emphasis else ""
        return f"{mark}{text}{mark}"


def table(rows: list[list[str]]) -> str:
    """Return a table; the cells are Markdown, the first row is the head."""
    if not rows:
        return ""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])


def _emphasised(node: SyntaxTreeNode) -> bool:
    return any(each.type in ("em", "strong") for each in node.walk())


def _said(text: str) -> str:
    return plain(markdown(text))


def _code(content: str) -> str:
    ticks = "`" * (1 + _longest(content))
    pad = " " if content.startswith("`") or content.endswith("`") else ""
    return f"{ticks}{pad}{content}{pad}{ticks}"


def _in_cell(node: SyntaxTreeNode) -> bool:
    above = node.parent
    while above is not None and above.type not in ("td", "th"):
        above = above.parent
    return above is not None


def _target(target: str) -> str:
    return f"<{target}>" if re.search(r"[()\s]", target) else target


def _longest(content: str) -> int:
    return max((len(run) for run in re.findall(r"`+", content)), default=0)
