"""`queueproof doctor`: what this machine can run, what is missing, how to get it."""

import json
import sys
from dataclasses import asdict

import click

from harness.doctor import MISSING, OK, OPTIONAL, Finding, can_run, findings
from harness.verdict import ExitCode

#: Sign and colour of each state.
_SIGNS = {OK: ("✓", "green"), MISSING: ("✗", "red"), OPTIONAL: ("o", "yellow")}


@click.command("doctor")
@click.option(
    "--python",
    default=sys.executable,
    show_default="this one",
    help="The application's interpreter.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(python: str, as_json: bool) -> None:
    """Say what this machine can run, what is missing and how to get it.

    Looks only: installs, starts and changes nothing. Exit code 0: the default engine
    can run. 4: it cannot; the lines marked with a cross say why.
    """
    found = findings(python)
    if as_json:
        rows = [asdict(finding) for finding in found]
        report = {"schema": 1, "can_run": can_run(found), "findings": rows}
        click.echo(json.dumps(report, indent=1))
    else:
        for finding in found:
            _tell(finding)
        can = "can" if can_run(found) else "cannot"
        click.echo(f"\nThe default engine, process, {can} run here.")
    if not can_run(found):
        raise SystemExit(int(ExitCode.HARNESS_FAILED))


def _tell(finding: Finding) -> None:
    sign, colour = _SIGNS[finding.state]
    click.secho(f"{sign} ", fg=colour, nl=False)
    click.secho(finding.what, bold=True, nl=False)
    click.echo(f"  {finding.found}")
    if finding.remedy:
        click.echo(f"    for {finding.needed_for}")
        click.echo(f"    remedy: {finding.remedy}")
