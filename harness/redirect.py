"""Checks, before anything else starts, that the application uses what is ours.

A worker that talked to its real broker would take real jobs; a mutant whose changed
copy is not imported would be "alive" for nothing.
"""

from pathlib import Path
from urllib.parse import urlsplit

from harness.agent import Agent
from harness.errors import MutantError, NotRedirected
from harness.launch import Urls


def verify_urls(agent: Agent, app: str, urls: Urls) -> None:
    """Raise NotRedirected unless broker and results are the stack's, or disabled."""
    seen = agent.describe()
    for what, ours in (
        ("broker_read", urls.broker),
        ("broker_write", urls.broker),
        ("results", urls.results),
    ):
        theirs = str(seen[what])
        if not theirs.startswith("disabled:") and _place(theirs) != _place(ours):
            remedy = " ".join((NotRedirected.__doc__ or "").split())
            raise NotRedirected(
                f"{app} would use {_without_secret(theirs)} as {what}, not the stack's "
                f"{ours}. {remedy}"
            )


def verify_overlay(agent: Agent, mutant: str, work: Path) -> None:
    """Raise MutantError unless each changed copy in `work` is the one imported."""
    for entry in sorted(work.iterdir()):
        package = entry.name.removesuffix(".py")
        if not package.isidentifier():
            continue
        where = agent.where(package)
        if not where or not Path(where).is_relative_to(work):
            raise MutantError(
                f"Mutant {mutant}: the application imports {package} from "
                f"{where or 'nowhere'}, not the changed copy in {work}."
            )


def _place(url: str) -> tuple[str | None, int | None, str]:
    parts = urlsplit(url)
    return parts.hostname, parts.port, parts.path.strip("/") or "0"


def _without_secret(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
