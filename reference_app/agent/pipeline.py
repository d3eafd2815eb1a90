"""A run of the agent: its phases in their order, from a source to a knowledge base.

Promise: a run that was killed and is started again ends with the same knowledge base as
one that was not disturbed, and does nothing twice whose output is there. A second run
on unchanged notes changes no byte.

Raises SourceError, KnowledgeBaseError, EveryItemFailed, TryLater (another run writes,
the disk is full), NoModel, NoSentenceModel, AgentError for a name that is not known;
whatever `ctx.check_cancelled()` and `device()` raise passes through.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import nullcontext
from pathlib import Path

from reference_app.agent import (
    content,
    generated,
    git_sync,
    pages,
    sentence_model,
    source,
    synthesis,
)
from reference_app.agent.content import COMPARED
from reference_app.agent.errors import (
    AgentError,
    EveryItemFailed,
    KnowledgeBaseError,
    SourceError,
    TryLater,
)
from reference_app.agent.kb import (
    BOOKMARKS,
    HIDDEN,
    IGNORED,
    INDEX,
    LEFT_OUT,
    README,
    KnowledgeBase,
    category_page,
    synthesis_page,
)
from reference_app.agent.notes import Note
from reference_app.agent.phases import (
    CONTENT,
    PHASES,
    STEPS,
    Context,
    Counts,
    Part,
    Preferences,
    Progress,
    Report,
)
from reference_app.agent.search import Index
from reference_app.agent.state import State, key_of
from reference_app.agent.work import Entry, Work
from reference_app.disk import or_later
from reference_app.settings import settings

ALL = tuple(phase.name for phase in PHASES)
EVERY_STEP = tuple(step.name for step in STEPS)


def run(
    origin: Path,
    root: Path,
    preferences: Preferences,
    ctx: Context,
    *,
    only: Collection[str] = ALL,
    steps: Collection[str] = EVERY_STEP,
    ids: Collection[str] | None = None,
    device: generated.Device = nullcontext,
) -> Report:
    """Run the agent.

    Args:
        origin: a folder of notes, or a JSON file of bookmarks.
        root: the folder of the knowledge base; made if it does not exist.
        preferences: which phases are left out, and what is done anew.
        ctx: whom to tell, and whom to ask whether to go on.
        only: names of phases; the first one always runs.
        steps: names of the content phase's steps.
        ids: of bookmarks that the content phase is for; None: all.
        device: held while a model is in memory; entered only if a text is wanted.
    """
    unknown = sorted({*only} - {*ALL}) + sorted({*steps} - {*EVERY_STEP})
    if unknown:
        raise AgentError(f"No phase or step {unknown[0]!r}: {ALL}, {EVERY_STEP}.")
    phases = [each for each in PHASES if each.name in only or each is PHASES[0]]
    wanted = [step for step in STEPS if step.name in steps]
    # A phase that is left out weighs nothing, one of several steps is its steps.
    parts = [
        part
        for phase in phases
        if not preferences.skips(phase)
        for part in (wanted if phase.name == CONTENT else [phase])
    ]
    kb = KnowledgeBase(root)
    _apart(origin, root)
    writes = preferences.generate_text and "llm" in [part.name for part in parts]
    text_model = _text_model(ctx, device) if writes else None
    embeds = "embedding_generation" in [part.name for part in parts]
    embeds_with = settings().agent_sentence_model if embeds else ""
    # What is not there is told before anything is made.
    model = sentence_model.find(embeds_with, ctx.check_cancelled)
    with or_later(TryLater), kb.writing():
        progress = Progress(ctx, parts)
        work = Work(
            origin, kb, State(kb), preferences, ctx, progress, text_model, model
        )
        for phase in phases:
            ctx.check_cancelled()
            if preferences.skips(phase):
                work.report.skipped.append(phase.name)
                progress.skip(phase)
                continue
            progress.start(phase)
            if phase.name == CONTENT:
                counts = _content(work, wanted, ids)
            else:
                counts = _DO[phase.name](work, phase)
            work.report.phases[phase.name] = counts
            progress.end(phase, counts)
        return work.report


def _text_model(ctx: Context, device: generated.Device) -> generated.TextModel:
    told = settings()
    return generated.find(
        told.models_dir,
        told.agent_text_tokens,
        told.agent_text_drafts,
        device,
        ctx.check_cancelled,
    )


def _apart(origin: Path, root: Path) -> None:
    """See to it that the agent does not read what it writes."""
    notes, written = origin.resolve(), root.resolve()
    if notes.is_relative_to(written) or written.is_relative_to(notes):
        raise KnowledgeBaseError(
            f"The notes ({notes}) and the knowledge base ({written}) lie in each "
            "other. Choose two places side by side."
        )


def _initialise(work: Work, _: Part) -> Counts:
    if work.kb.read(IGNORED) is not None:
        return Counts(unchanged=1)
    work.kb.write(IGNORED, f"/{HIDDEN}/\n".encode())
    return Counts(done=1)


def _fetch(work: Work, _: Part) -> Counts:
    listing = source.read(work.source)
    known = work.state.units("items")
    if not listing.bookmarks and known:
        raise SourceError(
            f"{work.source} has no note that can be used, and the knowledge base has "
            f"{len(known)}: nothing is removed. Is the folder the right one?"
        )
    if listing.left_out and not listing.bookmarks:
        raise EveryItemFailed(listing.left_out)
    for name, why in listing.left_out.items():
        work.progress.warn(f"{name} {why}")
    changed = work.kb.write_json(BOOKMARKS, listing.to_json())
    work.state.keep_only("items", [each.slug for each in listing.bookmarks])
    number = len(listing.bookmarks)
    return Counts(done=number) if changed else Counts(unchanged=number)


def _content(work: Work, steps: list[Part], ids: Collection[str] | None) -> Counts:
    listing = work.listing()
    wanted = [each for each in listing.bookmarks if ids is None or each.id in ids]
    unknown = sorted(set(ids or ()) - {each.id for each in wanted})
    if unknown:
        raise SourceError(f"No bookmark {unknown[0]!r} was fetched.")
    counts = content.process(work, wanted, steps)
    failures = work.kb.read_json(LEFT_OUT) or {}
    work.report.left_out = dict(sorted((listing.left_out | failures).items()))
    work.report.bookmarks = {
        "done": counts.done,
        "unchanged": counts.unchanged,
        "failed": counts.failed,
        "left_out": len(listing.left_out),
        "total": len(wanted) + len(listing.left_out),
    }
    return counts


def _synthesise(work: Work, phase: Part) -> Counts:
    entries = work.entries()
    groups = pages.by_category(entries)
    corpus = key_of([[each.slug, each.key, each.title] for each in entries])
    counts = Counts()
    everywhere: Counter[str] = Counter()
    for number, (slug, inside) in enumerate(groups.items(), 1):
        work.ctx.check_cancelled()
        unit, key = f"categories/{slug}", key_of(corpus, [each.slug for each in inside])
        if len(inside) < synthesis.NOTES:
            work.state.drop(unit, "synthesis")
            continue
        forced_by = work.forced_by(phase)
        done = work.state.value(unit, "synthesis", key, forced_by) is None
        if done:
            work.ctx.mark("step", step="synthesis", unit=unit)
            if not everywhere:
                for each in entries:
                    everywhere += synthesis.spread([_note(work, each).sentences])
            said = {each.slug: _note(work, each).sentences for each in inside}
            found = synthesis.subjects(said, everywhere, len(entries))
            page = synthesis.page(inside[0].label, inside, found).encode()
            value = {"subjects": [each.word for each in found]}
            files = {synthesis_page(slug): page}
            work.state.finish(unit, "synthesis", key, value, files, forced_by)
        counts.count(done)
        work.progress.advance(number, len(groups), inside[0].label)
    work.state.keep_only("categories", groups)
    return counts


def _embed(work: Work, phase: Part) -> Counts:
    entries = sorted(work.entries(), key=lambda each: each.slug)
    named = [
        {"slug": each.slug, "title": each.title, "label": each.label}
        for each in entries
    ]
    model = work.sentence_model
    made_by = [model.name, model.digest] if model else []
    key = key_of("index", named, [each.key for each in entries], *made_by)
    forced_by = work.forced_by(phase)
    if work.state.value("index", "embeddings", key, forced_by) is not None:
        return Counts(unchanged=len(entries))
    work.ctx.mark("step", step="embeddings", unit="index")
    texts = [_note(work, each).text[:COMPARED] for each in entries]

    def tell(number: int) -> None:
        title = entries[number - 1].title
        work.progress.advance(number, len(entries), title)

    with model or nullcontext():
        data = Index.build(texts, named, model, tell).to_bytes()
    value = {"items": len(entries)}
    work.state.finish("index", "embeddings", key, value, {INDEX: data}, forced_by)
    return Counts(done=len(entries))


def _write_pages(work: Work, phase: Part) -> Counts:
    entries = work.entries()
    groups = pages.by_category(entries)
    counts = Counts()
    work.state.keep_only("categories", groups)
    synthesised = {slug for slug in groups if work.kb.read(synthesis_page(slug))}
    for slug, inside in groups.items():
        label, has = inside[0].label, slug in synthesised
        _page(
            work,
            phase,
            counts,
            f"categories/{slug}",
            category_page(slug),
            pages.category(label, inside, synthesis=has),
        )
    left_out = work.listing().left_out | (work.kb.read_json(LEFT_OUT) or {})
    whole = pages.whole(entries, left_out, synthesised)
    _page(work, phase, counts, "readme", README, whole)
    return counts


def _page(
    work: Work, phase: Part, counts: Counts, unit: str, path: str, text: str
) -> None:
    """Write a page that is cheaper to make than to tell what it is made of."""
    key, forced_by = key_of(text), work.forced_by(phase)
    done = work.state.value(unit, "page", key, forced_by) is None
    if done:
        work.ctx.check_cancelled()
        work.ctx.mark("step", step="page", unit=unit)
        value = {"page": path}
        work.state.finish(unit, "page", key, value, {path: text.encode()}, forced_by)
    counts.count(done)


def _sync(work: Work, _: Part) -> Counts:
    titles = {each.slug: each.title for each in work.entries()}
    work.report.commit = git_sync.sync(work.kb, titles, time.time()) or ""
    done = work.report.commit != ""
    return Counts(done=int(done), unchanged=int(not done))


def _note(work: Work, entry: Entry) -> Note:
    return Note(**work.state.last(f"items/{entry.slug}", "cache"))


_DO: dict[str, Callable[[Work, Part], Counts]] = {
    "initialization": _initialise,
    "fetch_bookmarks": _fetch,
    "synthesis_generation": _synthesise,
    "embedding_generation": _embed,
    "readme_generation": _write_pages,
    "git_sync": _sync,
}
