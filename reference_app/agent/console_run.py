"""A run of the agent for somebody at a console, or for a script.

Promise: standard output has the task's id, then what became of it, or with JSON one
object and nothing else, also when the job was not accepted; all else is told on
standard error. Who stops watching stops nothing.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import click
from fastapi import HTTPException
from fastapi.exceptions import RequestValidationError
from rich.console import Console
from rich.live import Live
from sqlalchemy.exc import SQLAlchemyError

from reference_app import board, endings, events
from reference_app.agent import starts
from reference_app.agent.phase_table import PhaseTable
from reference_app.jobs import TERMINAL, Job, Path, State
from reference_app.settings import settings

#: Seconds a worker that has nothing else to do takes to begin, with room to spare.
TAKEN_S = 5.0

#: Who runs the jobs of each path.
COMMANDS = {
    Path.CELERY: "python -m reference_app agent worker",
    Path.LOCAL: "python -m reference_app api",
}

#: Notes that were left out and whose reasons are printed.
TOLD = 5

DONE, NOT_DONE, INTERRUPTED = 0, 1, 130

_NOT_ACCEPTED = (HTTPException, RequestValidationError, SQLAlchemyError)


def run(request: Mapping[str, Any], *, wait: bool, as_json: bool) -> int:
    """Submit a run, follow it to its ending if asked to, and return the exit code."""
    try:
        task_id = starts.start(dict(request))
    except _NOT_ACCEPTED as error:
        if as_json:
            refused = {"task_id": None, "state": "refused", "error": _said(error)}
            click.echo(json.dumps(refused))
        _aside(f"Not accepted: {_said(error)}")
        return NOT_DONE
    table, interrupted = PhaseTable(), False
    try:
        if not as_json:
            click.echo(task_id)  # and from here on Ctrl-C is for the watching
        if wait:
            _watch(task_id, table, drawn=not as_json)
    except KeyboardInterrupt:
        interrupted = True
        _aside(
            "Not watched any more; the job goes on. Stop it with:\n"
            f"  python -m reference_app agent stop {task_id}"
        )
    job = endings.store().get(task_id)
    assert job is not None  # rows stay
    if as_json:
        click.echo(json.dumps(_to_json(job)))
    elif wait and not interrupted:
        _tell(job, table)
    if interrupted:
        return INTERRUPTED
    return DONE if not wait or job.state is State.COMPLETED else NOT_DONE


async def follow(
    task_id: str, see: Callable[[dict[str, Any]], None], say: Callable[[str], None]
) -> None:
    """Call `see` with each event of a job, up to its ending.

    Args:
        task_id: the job.
        see: what is done with an event.
        say: is told, once, when nobody has taken the job within TAKEN_S.
    """
    jobs, taken = endings.store(), asyncio.Event()

    async def complain() -> None:
        try:
            async with asyncio.timeout(TAKEN_S):
                await taken.wait()
        except TimeoutError:
            complaint = await asyncio.to_thread(_complaint, task_id)
            if complaint:
                say(complaint)

    complaining = asyncio.create_task(complain())
    client = events.connect_async(settings())
    try:
        async for event in events.follow(client, jobs, task_id):
            taken.set()
            see(event)
    finally:
        complaining.cancel()
        await client.aclose()


def _watch(task_id: str, table: PhaseTable, *, drawn: bool) -> None:
    """Follow a job up to its ending."""

    def see(event: dict[str, Any]) -> None:
        if event["kind"] not in TERMINAL:
            table.see(event["percent"], event["message"], event["data"])

    console = Console(stderr=True)
    if drawn and console.is_terminal:
        # Its last picture goes to standard output, with the counts.
        with Live(table, console=console, transient=True, refresh_per_second=10):
            asyncio.run(follow(task_id, see, console.print))
    else:
        asyncio.run(follow(task_id, see, _aside))


def _complaint(task_id: str) -> str | None:
    """Return what is to be said of a job that waits; None if it does not."""
    job = endings.store().get(task_id)
    if job is None or job.state is not State.PENDING:
        return None
    before = [each for each in endings.store().active(job.path) if board.has(each.kind)]
    if before:
        return f"It waits for its turn: {before[0].kind} {before[0].id} runs."
    return (
        f"Nobody has taken it for {TAKEN_S:g} s. It stays in the queue; start a worker "
        f"with the same settings:\n  {COMMANDS[job.path]}"
    )


def _tell(job: Job, table: PhaseTable) -> None:
    """Print what became of a job."""
    console, result = Console(), job.result or {}
    table.end(job.state, result)
    console.print(table)
    if job.state is not State.COMPLETED:
        _aside(f"{job.state}: {job.error}" if job.error else str(job.state))
        return
    lines = [("knowledge base", result["knowledge_base"])]
    if "git_sync" in result["phases"]:
        lines.append(("commit", result["commit"] or "none: nothing has changed"))
    left_out = result["left_out"]
    for name in sorted(left_out)[:TOLD]:
        lines.append(("left out", f"{name} {left_out[name]}"))
    if len(left_out) > TOLD:
        lines.append(("", f"and {len(left_out) - TOLD} more; see its README.md"))
    for what, text in lines:
        click.echo(f"{what:<15} {text}")


def _to_json(job: Job) -> dict[str, Any]:
    return {
        "task_id": job.id,
        "state": job.state,
        "error": job.error,
        "reason": job.reason,
        "result": job.result,
    }


def _said(error: Exception) -> str:
    if isinstance(error, HTTPException):
        return str(error.detail)
    if isinstance(error, RequestValidationError):
        return "; ".join(str(each["msg"]) for each in error.errors())
    return f"The job records cannot be used: {error}"


def _aside(text: str) -> None:
    click.echo(text, err=True)
