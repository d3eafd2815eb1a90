"""`queueproof init`: a first description of an application, with what can be found."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

from harness.errors import TargetError
from harness.survey import served_queues, survey
from harness.target_draft import draft
from harness.target_file import load

WITNESS_SITE = Path(__file__).resolve().parent.parent / "witness_site"

#: Seconds the application may take to be imported and to tell of itself.
IMPORT_WITHIN_S = 60.0

#: Nobody listens there: an application that connects while it is imported is refused.
NOWHERE = "redis://127.0.0.1:1/0"


@click.command("init")
@click.argument("app", required=False)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("queueproof.toml"),
    show_default=True,
    help="The file to write; one that exists is left alone.",
)
@click.option(
    "--python",
    default=sys.executable,
    show_default="this one",
    help="The application's interpreter.",
)
def init(app: str | None, out: Path, python: str) -> None:
    r"""Write a commented queueproof.toml from what this folder tells.

    APP is the Celery application as MODULE:ATTRIBUTE; without it, the one found in the
    source. Source and deployment files are read. Where no worker's command names its
    queues, the application is imported once, by its own interpreter and without its
    broker, to learn them.

    \b
    queueproof init                      look for the application
    queueproof init shop.broker:app      say where it is
    """
    if out.exists():
        raise TargetError(f"{out} exists and is left alone. Remove it, or name --out.")
    seen = survey(Path.cwd())
    if app is None:
        if not seen.apps:
            raise TargetError(
                "No `name = Celery(...)` found in this folder. Name the application: "
                "queueproof init package.module:app"
            )
        app = seen.apps[0].text
        click.echo(f"application  {app}  ({seen.apps[0].place})")
    queues, why_none = served_queues(seen.workers), ""
    if not queues:
        queues, why_none = _queues(app, python)
    text = draft(app, seen, file=str(out), queues=queues, why_none=why_none)
    out.write_text(text, encoding="utf-8")
    load(out)  # what we write, we can read
    for kind, found in (
        ("worker", seen.workers),
        ("beat", seen.beats),
        ("env", seen.env),
        ("routes", seen.routes),
        ("events", seen.events),
    ):
        first = f"{found[0].text}  ({found[0].place})" if found else "none found"
        click.echo(f"{kind:<12} {first}")
    click.echo(f"{'queues':<12} {', '.join(queues) or why_none}")
    click.echo(f"\nWrote {out}. Read it, then: queueproof check --target {out}")


def _queues(app: str, python: str) -> tuple[list[str], str]:
    """Return the queues the application knows, or why none are known."""
    env = dict(os.environ)
    env |= {"CELERY_BROKER_URL": NOWHERE, "CELERY_RESULT_BACKEND": NOWHERE}
    path = [str(WITNESS_SITE), ".", *filter(None, [env.get("PYTHONPATH")])]
    env["PYTHONPATH"] = os.pathsep.join(path)
    command = [python, "-m", "queueproof_witness", app]
    request = json.dumps({"id": 1, "op": "describe"}) + "\n"
    try:
        run = subprocess.run(
            command,
            input=request,
            env=env,
            capture_output=True,
            text=True,
            timeout=IMPORT_WITHIN_S,
        )
    except OSError as error:
        raise TargetError(f"--python {python}: {error}.") from error
    except subprocess.TimeoutExpired:
        return [], f"not imported within {IMPORT_WITHIN_S:g} s"
    answer: dict[str, Any] = json.loads(run.stdout) if run.stdout else {"ok": False}
    if not answer["ok"]:
        last_line = (run.stderr.strip().splitlines() or ["no reason given"])[-1]
        return [], f"not imported: {answer.get('error', last_line)}"
    described = answer["value"]
    return list(described["queues"] or [described["default_queue"]]), ""
