"""`python -m reference_app agent COMMAND`: start the agent, serve it, look after it.

Promise: exit code 0 it is done, 1 it is not, 2 wrong use. Importing this module imports
nothing but click, so that each command starts as fast as it can.
"""

import importlib.util
import json
import os
import sys
from typing import Any

import click

#: What a worker of the agent serves.
QUEUES = "agent,processing,chat"

_GROUP_EPILOG = """Examples:

\b
python -m reference_app agent worker
    in one terminal: the process that does the work
python -m reference_app agent run
    in another one: make a knowledge base of the bundled notes
python -m reference_app agent run --source ~/notes
python -m reference_app agent state

\b
All of them need the same settings, which the environment gives: CELERY_REDIS_HOST,
DATABASE_URL, DATA_DIR, AGENT_KB_DIR. Without any, in one terminal, to look at it:
python -m reference_app demo agent
"""

_RUN_EPILOG = """Examples:

\b
python -m reference_app agent run --source ~/notes
    what has not changed since the last run is not done again
python -m reference_app agent run --preferences '{"skip_git_sync": true}'
    leave a phase out
python -m reference_app agent run --preferences '{"force_regenerate_readme": true}'
    do a phase anew, though nothing has changed
id=$(python -m reference_app agent run --no-wait)
    submit only; `agent stop $id` stops it
python -m reference_app agent run --json | jq .result.phases

\b
While one run goes on another waits for its turn, or is not accepted, as
AGENT_WHEN_BUSY (queue or refuse) says.

Exit codes: 0 completed, or with --no-wait accepted; 1 failed, cancelled, or not
accepted; 2 wrong use; 130 Ctrl-C: not watched any more, the job goes on.
"""

_WORKER_EPILOG = """Examples:

\b
python -m reference_app agent worker
python -m reference_app agent worker --queues chat --concurrency 2
    a second one, which answers questions while the first one is busy with a run
python -m reference_app agent worker --loglevel=DEBUG
    all else goes to Celery's worker as it is

\b
SIGTERM or one Ctrl-C lets the running job finish within WORKER_GRACE.
"""

_MONITOR_EPILOG = """Examples:

\b
python -m reference_app agent monitor
    then open http://127.0.0.1:5555
python -m reference_app agent monitor --port 8080

\b
It shows the workers that tell of their tasks, once they have had one:


python -m reference_app agent worker --task-events

Off unless you look: telling goes through Redis, and while that is away it can hold up
the worker. They send no heartbeats: Flower calls an idle one offline after two minutes.
What became of a job is in its row, not here.

Exit codes: Flower's own; 2 it is not installed.
"""

_STOP_EPILOG = """Prints what became of the wish:

\b
cancelled          it waited, and is cancelled now
cancelling         it runs, and will end as cancelled within seconds
already_complete   it had ended before
already_cancelled  it was cancelled before

Exit codes: 0 one of these, 1 there is no such task of the agent's, 2 wrong use.
"""


@click.group(epilog=_GROUP_EPILOG)
def agent() -> None:
    """Make a knowledge base of notes: run the agent, serve it, stop it."""


def _preferences(_: click.Context, __: click.Parameter, text: str) -> dict[str, Any]:
    from reference_app.agent.errors import AgentError
    from reference_app.agent.phases import Preferences

    known = ", ".join(Preferences.__dataclass_fields__)
    say = f"""say {{"NAME": true, ...}} with a NAME of: {known}."""
    try:
        wanted = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no JSON ({error}); {say}") from None
    if not isinstance(wanted, dict):
        raise click.BadParameter(f"{text!r} is no JSON object; {say}")
    try:
        Preferences.from_mapping(wanted)
    except AgentError as error:
        raise click.BadParameter(str(error)) from None
    return wanted


@agent.command("run", epilog=_RUN_EPILOG)
@click.option(
    "--source",
    type=click.Path(exists=True, resolve_path=True),
    help="A folder of notes, or a JSON file of bookmarks. Default: AGENT_SOURCE.",
)
@click.option(
    "--preferences",
    metavar="JSON",
    default="{}",
    callback=_preferences,
    help="Which phases not, and what anew; each false unless it is said.",
)
@click.option(
    "--wait/--no-wait", default=True, help="Follow it to its ending, or submit only."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def run(
    source: str | None, preferences: dict[str, Any], wait: bool, as_json: bool
) -> None:
    """Run the agent: notes in, a knowledge base out.

    Prints the task's id, then its phases as they go, then the folder of the knowledge
    base and what was done. A worker does it; see `agent worker`.
    """
    from reference_app.agent import console_run

    request = {"preferences": preferences} | ({"source": source} if source else {})
    raise SystemExit(console_run.run(request, wait=wait, as_json=as_json))


@agent.command(
    "worker", epilog=_WORKER_EPILOG, context_settings={"ignore_unknown_options": True}
)
@click.option("--queues", "-Q", default=QUEUES, show_default=True)
@click.option(
    "--concurrency",
    "-c",
    type=click.IntRange(min=1),
    help="Jobs at once. Default: as many as the strictest of its queues wants.",
)
@click.argument("further", nargs=-1, type=click.UNPROCESSED)
def worker(queues: str, concurrency: int | None, further: tuple[str, ...]) -> None:
    """Run jobs of the agent; FURTHER options go to Celery's worker as they are."""
    from reference_app import worker
    from reference_app.settings import settings

    worker.main(
        worker.arguments(
            settings(), queues=queues, concurrency=concurrency or 0, further=further
        )
    )


@agent.command("monitor", epilog=_MONITOR_EPILOG)
@click.option("--port", type=click.IntRange(1, 65535), default=5555, show_default=True)
def monitor(port: int) -> None:
    """Watch queues and workers in a browser, with Flower, on this machine only."""
    if importlib.util.find_spec("flower") is None:
        raise click.UsageError(
            "Flower is not installed: pip install 'queueproof[monitor]'"
        )
    command = monitor_command(port)
    os.execvp(command[0], command)


def monitor_command(port: int) -> list[str]:
    """Return the command that Flower is started with."""
    app = ["-A", "reference_app.broker:app"]
    # Flower asks nobody for a password, and can stop workers.
    place = ["--address=127.0.0.1", f"--port={port}"]
    return [sys.executable, "-m", "celery", *app, "flower", *place]


@agent.command("stop", epilog=_STOP_EPILOG)
@click.argument("task_id")
def stop(task_id: str) -> None:
    """Stop a task of the agent's: at once while it waits, soon while it runs."""
    from reference_app import board, cancellation, endings

    job = endings.store().get(task_id)
    word = cancellation.ask(task_id) if job and board.has(job.kind) else None
    if word is None:
        click.echo(f"There is no task {task_id!r}.", err=True)
        raise SystemExit(1)
    click.echo(word)


@agent.command("state")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def state(as_json: bool) -> None:
    """Tell whether a run goes on, which, and how many wait."""
    from reference_app.agent import starts

    found = starts.state()
    if as_json:
        click.echo(json.dumps(found))
        return
    click.echo(f"runs   {found['current_task_id'] or 'none'}")
    click.echo(f"waits  {found['task_queue_size']}")
