"""From notes to a knowledge base that answers, over HTTP and Socket.IO.

Redis, API, worker and beat run on loopback in a folder of their own, as in the other
demonstrations; it is over within TOTAL_S whatever happens. The knowledge base stays: a
second time it is brought up to date.
"""

import json
import re
import textwrap
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from dulwich.repo import Repo
from rich.live import Live
from rich.text import Text
from rich.tree import Tree

from reference_app import watching
from reference_app.agent.cli import QUEUES
from reference_app.agent.kb import README
from reference_app.agent.phase_table import PhaseTable
from reference_app.demo import DemoFailed, console, run, wait_for_api
from reference_app.settings import PACKAGED_NOTES

#: Seconds for the whole demonstration; typically 10, most of it imports.
TOTAL_S = 90.0

QUESTION = "Why are spring tides higher than neap tides?"

#: Entries of a folder, commits of the log, and characters of a line that are shown.
ENTRIES = 4
COMMITS = 3
WIDTH = 78


def main(out: str) -> int:
    """Show it; return the exit code: 0 shown, 1 failed, 130 interrupted."""
    folder = Path(out).resolve() / "knowledge-base"
    return run(
        lambda port, deadline_s: _show(port, deadline_s, folder),
        TOTAL_S,
        AGENT_KB_DIR=folder,
        AGENT_SOURCE=PACKAGED_NOTES,
        # Without the others' queues the worker need not import torch.
        WORKER_QUEUES=QUEUES,
    )


def _show(port: int, deadline_s: float, folder: Path) -> None:
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=url, timeout=10) as http:
        with console.status("Starting Redis, API, worker and beat ..."):
            wait_for_api(http, deadline_s)
        answer = _post(http, "/api/v2/agent/start", {"preferences": {}})
        table = PhaseTable()

        def see(seen: watching.Seen) -> None:
            table.see(seen.data["percent"], seen.data["message"], seen.data)

        with Live(table, console=console, refresh_per_second=10):
            ending = _ending(url, "agent", answer["task_id"], deadline_s, see)
            table.end(ending.kind, ending.data.get("result"))
        result = _result(ending)
        console.print(f"\n[b]{folder}[/b]", soft_wrap=True)
        console.print(tree(folder))
        _print_history(folder, result)
        answer = _post(http, "/api/v2/chat", {"message": QUESTION})
        with console.status("Looking it up ..."):
            ending = _ending(url, "chat", answer["task_id"], deadline_s, lambda _: None)
        print_answer(_result(ending))


def _post(http: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    console.print(f"[b]POST {path}[/b]  {json.dumps(body)}")
    answer: dict[str, Any] = http.post(path, json=body).raise_for_status().json()
    return answer


def _ending(
    url: str,
    domain: str,
    task_id: str,
    deadline_s: float,
    see: Callable[[watching.Seen], None],
) -> watching.Seen:
    """Call `see` with each progress event of a job, and return its ending."""
    for seen in watching.watch(
        task_id,
        sockets=url,
        result=f"{url}/api/v2/agent/status/{task_id}",
        domain=domain,
        within_s=deadline_s - time.monotonic(),
    ):
        if seen.kind in watching.TERMINAL:
            break
        see(seen)
    return seen


def _result(ending: watching.Seen) -> dict[str, Any]:
    if ending.kind != "completed":
        raise DemoFailed(f"The job ended {ending.kind}: {ending.data.get('error')}")
    result: dict[str, Any] = ending.data["result"]
    return result


def tree(folder: Path) -> Tree:
    """Return what readers find in a knowledge base, of each folder the first ones."""
    drawn = Tree(Text(f"{folder.name}/", "bold"), guide_style="dim")
    drawn.add(README)
    for name in ("categories", "items"):
        inside = sorted(path for path in (folder / name).glob("*") if path.is_dir())
        branch = drawn.add(Text.assemble(f"{name}/ ", (f"{len(inside)}", "dim")))
        for path in inside[:ENTRIES]:
            files = ", ".join(sorted(file.name for file in path.iterdir()))
            branch.add(Text.assemble(f"{path.name}/ ", (files, "dim")))
        if len(inside) > ENTRIES:
            branch.add(Text(f"and {len(inside) - ENTRIES} more", "dim"))
    return drawn


def commits(folder: Path, most: int = COMMITS) -> list[tuple[str, str, str]]:
    """Return the latest commits, newest first: the short id, the day, the subject."""
    with closing(Repo(str(folder))) as repo:
        found = [entry.commit for entry in repo.get_walker(max_entries=most)]
    return [
        (
            commit.id.decode()[:7],
            f"{datetime.fromtimestamp(commit.commit_time, UTC):%Y-%m-%d %H:%M}",
            commit.message.decode().splitlines()[0],
        )
        for commit in found
    ]


def print_answer(result: Mapping[str, Any]) -> None:
    """Print a question, its answer, and the sources that the numbers stand for."""
    console.print(Text(f"\n{result['question']}", "bold"))
    # A paragraph for each source.
    for part in re.split(r"(?<=\[\d\]) ", result["text"]):
        text = Text(textwrap.fill(part, WIDTH))
        text.highlight_regex(r"\[\d+\]", "cyan")
        console.print(text)
    if not result["sources"]:
        return
    console.print()
    for source in result["sources"]:
        number = (f"[{source['number']}] ", "cyan")
        console.print(Text.assemble(number, source["title"]))
        about = f"    {source['path']}  alike: {source['score']:.2f}"
        console.print(Text(about, "dim"), soft_wrap=True)


def _print_history(folder: Path, result: Mapping[str, Any]) -> None:
    if not result["commit"]:
        console.print("Nothing has changed since the last commit.")
    for short, when, subject in commits(folder):
        console.print(Text.assemble((short, "yellow"), f"  {when}  {subject}"))
    console.print()
