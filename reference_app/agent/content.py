"""The content phase: each bookmark is cached, its images, its words, its page made.

Each step is done for all bookmarks before the next one, counts for itself, and is a
task of its own. A bookmark that fails in a step is left out of the rest; what was made
of it before goes, so that no page leads to it.

Raises EveryItemFailed when not one is left.
"""

import posixpath
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from functools import cached_property
from typing import Any
from urllib.parse import unquote, urlsplit

from reference_app.agent import media, pages, source
from reference_app.agent.classify import classify, named
from reference_app.agent.errors import EveryItemFailed, ItemError
from reference_app.agent.files import digest, read_inside
from reference_app.agent.kb import LEFT_OUT, item_page
from reference_app.agent.notes import MAX_LABEL, MAX_TITLE, Note, parse
from reference_app.agent.phases import CONTENT, Counts, Part
from reference_app.agent.source import Bookmark
from reference_app.agent.state import key_of
from reference_app.agent.summary import summarise
from reference_app.agent.text import clean, shortened, slug
from reference_app.agent.work import Work

#: Images of a note that are shown.
MAX_IMAGES = 20

#: Letters of a note that are compared with others.
COMPARED = 20_000


def process(work: Work, wanted: Iterable[Bookmark], steps: Iterable[Part]) -> Counts:
    """Do steps for some bookmarks; returns what became of each bookmark."""
    content = Content(work)
    bookmarks = list(wanted)
    touched: set[str] = set()
    failed: dict[str, str] = {}
    for step in steps:
        work.progress.start(step, CONTENT)
        before = set(failed)
        counts = work.report.steps.setdefault(step.name, Counts())
        with work.resources_of(step):
            for number, bookmark in enumerate(bookmarks, 1):
                if bookmark.id in failed:
                    continue
                work.ctx.check_cancelled()
                try:
                    done = content.do(step, bookmark)
                except ItemError as error:
                    failed[bookmark.id] = str(error)
                    counts.failed += 1
                    work.progress.warn(f"{bookmark.id} {error}")
                else:
                    counts.count(done)
                    touched |= {bookmark.id} if done else set()
                work.progress.advance(number, len(bookmarks), bookmark.id)
        if bookmarks and len(failed) == len(bookmarks):
            raise EveryItemFailed(failed)  # and nothing is taken away
        for bookmark in bookmarks:
            if bookmark.id in failed and bookmark.id not in before:
                work.state.forget(_unit(bookmark))
        _remember(work, bookmarks, failed)
        work.progress.end(step, counts)
    touched -= set(failed)
    unchanged = len(bookmarks) - len(touched) - len(failed)
    return Counts(len(touched), unchanged, len(failed))


class Content:
    """The steps, and what they share over all bookmarks."""

    def __init__(self, work: Work) -> None:
        self._work, self._state = work, work.state
        self._folder = source.folder_of(work.source)
        self._bookmarks = work.listing().bookmarks

    def do(self, step: Part, bookmark: Bookmark) -> bool:
        """Do a step for a bookmark; False if it was done already.

        Raises:
            ItemError: this bookmark cannot be used.
        """
        keys: dict[str, Callable[[Bookmark], str]] = {
            "cache": self._cache_key,
            "media": self._media_key,
            "llm": self._llm_key,
            "kb_item": self._kb_item_key,
        }
        key = keys[step.name](bookmark)
        forced_by = self._work.forced_by(step)
        unit = _unit(bookmark)
        if self._state.value(unit, step.name, key, forced_by) is not None:
            return False
        self._work.ctx.mark("step", step=step.name, unit=unit)
        value, files = getattr(self, f"_{step.name}")(bookmark)
        self._state.finish(unit, step.name, key, value, files, forced_by)
        return True

    def _cache_key(self, bookmark: Bookmark) -> str:
        data = source.load(bookmark, self._folder)
        return key_of("cache", digest(data), bookmark.id, bookmark.url, bookmark.about)

    def _cache(self, bookmark: Bookmark) -> tuple[Any, dict[str, bytes]]:
        stem = posixpath.splitext(posixpath.basename(bookmark.id))[0]
        note = parse(
            source.load(bookmark, self._folder), stem.replace("-", " ").capitalize()
        )
        return asdict(note) | _said(bookmark.about), {}

    def _media_key(self, bookmark: Bookmark) -> str:
        found = []
        for where, _ in self._note(bookmark).images[:MAX_IMAGES]:
            try:
                found.append(digest(self._image(bookmark, where)))
            except ItemError as error:
                found.append(str(error))
        return key_of("media", self._made_from(bookmark, "cache"), found)

    def _media(self, bookmark: Bookmark) -> tuple[Any, dict[str, bytes]]:
        shown: dict[str, dict[str, Any]] = {}
        files: dict[str, bytes] = {}
        for where, _ in self._note(bookmark).images[:MAX_IMAGES]:
            if where in shown:
                continue
            try:
                picture = media.thumbnail(self._image(bookmark, where))
            except ItemError as error:
                shown[where] = {"reason": str(error)}
                continue
            stem = posixpath.splitext(posixpath.basename(unquote(where)))[0]
            name, number = f"{slug(stem)}.png", 1
            while f"items/{bookmark.slug}/{name}" in files:
                number += 1
                name = f"{slug(stem)}-{number}.png"
            shown[where] = {"file": name, "size": [picture.width, picture.height]}
            files[f"items/{bookmark.slug}/{name}"] = picture.data
        return shown, files

    def _llm_key(self, bookmark: Bookmark) -> str:
        made_from: list[Any] = [self._made_from(bookmark, "cache")]
        if not self._note(bookmark).category:
            made_from.append(self._corpus)  # it is compared with all others
        if self._work.text_model is not None:
            made_from.append(self._work.text_model.made_from)
        return key_of("llm", *made_from)

    def _llm(self, bookmark: Bookmark) -> tuple[Any, dict[str, bytes]]:
        note = self._note(bookmark)
        category = (
            named(note.category) if note.category else self._categories[bookmark.slug]
        )
        value: dict[str, Any] = {
            "category": category.slug,
            "label": category.label,
            "how": category.how,
            "summary": summarise(note.sentences),
        }
        if self._work.text_model is not None:
            key = self._made_from(bookmark, "cache")
            value["generated"] = self._work.text_model.write(note, key)
        return value, {}

    def _kb_item_key(self, bookmark: Bookmark) -> str:
        links = {
            href: self._link(bookmark, href) for href in self._note(bookmark).links
        }
        return key_of(
            "kb_item",
            [self._made_from(bookmark, step) for step in ("cache", "media", "llm")],
            [self._state.last(_unit(bookmark), step) for step in ("media", "llm")],
            links,
        )

    def _kb_item(self, bookmark: Bookmark) -> tuple[Any, dict[str, bytes]]:
        unit = _unit(bookmark)
        page = pages.item(
            self._note(bookmark),
            self._state.last(unit, "llm"),
            self._state.last(unit, "media"),
            lambda href: self._link(bookmark, href),
            bookmark.url or bookmark.id,
        )
        path = item_page(bookmark.slug)
        return {"page": path}, {path: page.encode()}

    @cached_property
    def _cached(self) -> dict[str, str]:
        """Slug of each bookmark that can be used, by what notes call it."""
        records = set(self._state.units("items"))
        return {
            bookmark.path or bookmark.id: bookmark.slug
            for bookmark in self._bookmarks
            if bookmark.slug in records
        }

    @cached_property
    def _corpus(self) -> str:
        slugs = sorted(self._cached.values())
        return key_of(
            [[each, self._state.last_key(f"items/{each}", "cache")] for each in slugs]
        )

    @cached_property
    def _categories(self) -> Mapping[str, Any]:
        texts, labels = {}, {}
        for each in self._cached.values():
            note = Note(**self._state.last(f"items/{each}", "cache"))
            texts[each] = note.text[:COMPARED]
            if note.category:
                labels[each] = note.category
        return classify(texts, labels)

    def _note(self, bookmark: Bookmark) -> Note:
        cached = self._state.last(_unit(bookmark), "cache")
        if cached is None:
            raise ItemError("is not cached yet")
        return Note(**cached)

    def _made_from(self, bookmark: Bookmark, step: str) -> str:
        return self._state.last_key(_unit(bookmark), step)

    def _image(self, bookmark: Bookmark, where: str) -> bytes:
        if urlsplit(where).scheme or where.startswith("//"):
            raise ItemError("is not in the folder")
        path = _beside(bookmark, where)
        return read_inside(self._folder, path, media.MAX_IMAGE_BYTES)

    def _link(self, bookmark: Bookmark, href: str) -> str | None:
        """Return where a link of a note leads from its page, None if to nowhere."""
        scheme = urlsplit(href).scheme
        if scheme in ("http", "https", "mailto"):
            return href
        found = None if scheme else self._cached.get(_beside(bookmark, href))
        return None if found is None else f"../{found}/README.md"


def _unit(bookmark: Bookmark) -> str:
    return f"items/{bookmark.slug}"


def _beside(bookmark: Bookmark, href: str) -> str:
    """Return a path in the source's folder, from one that a note in it names."""
    path = unquote(href.partition("#")[0].partition("?")[0])
    return posixpath.normpath(posixpath.join(posixpath.dirname(bookmark.path), path))


def _said(about: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an entry of a JSON file says of its note, in the note's own words."""
    said: dict[str, Any] = {}
    if about.get("title"):
        said["title"] = shortened(clean(about["title"]), MAX_TITLE)
    if about.get("category"):
        said["category"] = shortened(clean(about["category"]), MAX_LABEL)
    if isinstance(about.get("tags"), list):
        said["tags"] = [shortened(clean(str(tag)), MAX_LABEL) for tag in about["tags"]]
    return said


def _remember(work: Work, bookmarks: list[Bookmark], failed: Mapping[str, str]) -> None:
    """Keep why bookmarks failed, for the page that says what was left out."""
    asked = {bookmark.id for bookmark in bookmarks}
    before = work.kb.read_json(LEFT_OUT) or {}
    kept = {name: why for name, why in before.items() if name not in asked}
    work.kb.write_json(LEFT_OUT, kept | dict(failed))
