"""Where verdicts go besides the screen; shared by `check` and `judge`."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from harness.report.github import annotations, step_summary
from harness.report.junit import junit_xml
from harness.report.verdict_file import Judged

F = TypeVar("F", bound=Callable[..., Any])

#: The file GitHub Actions shows on a run's page; set by the runner.
STEP_SUMMARY = "GITHUB_STEP_SUMMARY"


def outputs(command: F) -> F:
    """Add the options --junit and --github to a command."""
    to_file = click.Path(path_type=Path, dir_okay=False)
    command = click.option(
        "--junit", metavar="FILE", type=to_file, help="Also write JUnit XML there."
    )(command)
    return click.option(
        "--github",
        is_flag=True,
        help="Also print GitHub annotations and write the step summary.",
    )(command)


def write_outputs(
    tests: Sequence[Judged],
    *,
    junit: Path | None,
    github: bool,
    not_applicable: Mapping[str, str] | None = None,
) -> None:
    """Write what was asked for, from the same verdicts as the table."""
    if junit is not None:
        junit.parent.mkdir(parents=True, exist_ok=True)
        junit.write_text(junit_xml(tests, not_applicable), encoding="utf-8")
    if github:
        for line in annotations(tests):
            click.echo(line)
        if os.environ.get(STEP_SUMMARY):
            with open(os.environ[STEP_SUMMARY], "a", encoding="utf-8") as file:
                file.write(step_summary(tests, not_applicable))
