"""`queueproof report`: a run as one HTML page."""

import time
import webbrowser
from pathlib import Path

import click

_EPILOG = (
    "Exit codes: 0 the page was written, whatever the verdicts in it are; 2 wrong use, "
    "such as a folder without a history; 4 the harness failed."
)


@click.command("report", epilog=_EPILOG)
@click.argument("run", type=click.Path(path_type=Path), default=Path(".qp/latest"))
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write (default: report.html in the folder of the run).",
)
@click.option("--open", "open_it", is_flag=True, help="Show it in the browser.")
def report(run: Path, out: Path | None, open_it: bool) -> None:
    """Write a run as one HTML page: verdicts, failures, a timeline in real time.

    RUN is the folder of a run (default .qp/latest), the folder of one test in it, or a
    history.jsonl. The histories are judged again with the laws of today, as by
    `queueproof judge`, so runs of an older version can be shown too. The page needs no
    network and no other file: attach it to a ticket, keep it as a build artifact.
    """
    began = time.monotonic()
    from harness.rejudge import rejudge
    from harness.report.html import render
    from harness.report.verdict_file import FILE_NAME, read_about

    folder = run if run.is_dir() else run.parent
    tests = list(rejudge(run))
    page = render(tests, name=run.resolve().name, about=read_about(folder / FILE_NAME))
    path = out or folder / "report.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    size = path.write_text(page, encoding="utf-8", errors="replace")
    click.echo(f"{path}  {size / 1e6:.2f} MB  {time.monotonic() - began:.2f} s")
    if open_it:
        webbrowser.open(path.resolve().as_uri())
