"""The job functions that write the knowledge base: a run of the agent, or a part of it.

Promise: as pipeline.py. One job at a time writes; another one waits for its turn until
its soft limit, on whichever path it came.

A request may name `preferences` (phases.Preferences), and `source` in place of
AGENT_SOURCE; what else it names is said at each function.

Raises as pipeline.run.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from reference_app import device
from reference_app.agent import pipeline
from reference_app.agent.errors import TryLater
from reference_app.agent.phases import CONTENT, Preferences
from reference_app.context import JobContext
from reference_app.settings import settings

#: After this another attempt is worth while.
TRANSIENT = (TryLater,)

#: Whoever writes holds the only place on this "device".
WRITER = "knowledge-base"

#: Whoever has a model in memory holds a place on this one: the DEVICE of
#: steering/generate.py, which imports torch. No DEVICE here: a run without texts needs
#: none.
ACCELERATOR = "gpu0"


def preload() -> None:
    """Do nothing: to import this module was it; it takes a forked child 0.5 to 1 s."""


def run_agent(request: Mapping[str, Any], ctx: JobContext) -> dict[str, Any]:
    """Run all phases that the preferences do not leave out."""
    return _run(request, ctx)


def fetch_bookmarks(request: Mapping[str, Any], ctx: JobContext) -> dict[str, Any]:
    """Look which notes there are."""
    return _run(request, ctx, only=["fetch_bookmarks"])


def git_sync(request: Mapping[str, Any], ctx: JobContext) -> dict[str, Any]:
    """Commit what has changed."""
    return _run(request, ctx, only=["git_sync"])


def process_tweets(request: Mapping[str, Any], ctx: JobContext) -> dict[str, Any]:
    """Process the bookmarks `tweet_ids`, or all, in the step `phase`, or in each."""
    step = request.get("phase")
    return _run(
        request,
        ctx,
        only=[CONTENT],
        steps=[step] if step else pipeline.EVERY_STEP,
        ids=request.get("tweet_ids"),
    )


def generate_synthesis(request: Mapping[str, Any], ctx: JobContext) -> dict[str, Any]:
    """Write what the notes of each category share."""
    return _run(request, ctx, only=["synthesis_generation"])


def generate_embeddings(request: Mapping[str, Any], ctx: JobContext) -> dict[str, Any]:
    """Bring the index up to date with the items."""
    return _run(request, ctx, only=["embedding_generation"])


def generate_readme(request: Mapping[str, Any], ctx: JobContext) -> dict[str, Any]:
    """Write the first page and the pages of the categories."""
    return _run(request, ctx, only=["readme_generation"])


def _run(
    request: Mapping[str, Any],
    ctx: JobContext,
    *,
    only: Collection[str] = pipeline.ALL,
    steps: Collection[str] = pipeline.EVERY_STEP,
    ids: Collection[str] | None = None,
) -> dict[str, Any]:
    root = settings().agent_kb_dir
    wanted = Preferences.from_mapping(request.get("preferences") or {})
    origin = Path(request.get("source") or settings().agent_source)
    with device.held(WRITER, ctx, slots=1, words="another run to end"):
        report = pipeline.run(
            origin,
            root,
            wanted,
            ctx,
            only=only,
            steps=steps,
            ids=ids,
            # Always after the writer's place: no two jobs wait for each other.
            device=lambda: device.held(ACCELERATOR, ctx),
        )
    return {"knowledge_base": str(root), **report.to_json()}
