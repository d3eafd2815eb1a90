"""The command `queueproof`: what is promised, how it can break, and judging again."""

import json
import sys
import traceback
from pathlib import Path

import click

from harness.catalogue import catalogue
from harness.commands.check import check
from harness.commands.doctor import doctor
from harness.commands.init import init
from harness.commands.outputs import outputs, write_outputs
from harness.commands.report import report
from harness.commands.walk import walk
from harness.contract import contracts
from harness.errors import (
    ContractError,
    HarnessError,
    HistoryError,
    MutantError,
    TargetError,
)
from harness.mutant import Mutant, load_mutants
from harness.rejudge import Rejudged, rejudge
from harness.report.table import verdict_table
from harness.verdict import ExitCode, exit_code

SCENARIOS = Path("scenarios")

#: Errors that the user can correct; others mean that the harness failed.
_WRONG_USE = (ContractError, HistoryError, MutantError, TargetError)

_EPILOG = (
    "Exit codes: 0 all hold, 1 violated, 2 wrong use, 3 inconclusive, "
    "4 the harness failed."
)


_ABOUT = """Prove which promises a Celery application keeps.

\b
pytest scenarios/                start the application, hurt it, judge it
pytest scenarios/ --mutant NAME  the same on an application broken on purpose
queueproof check shop:app        point it at any Celery application
queueproof walk                  do all that in random order
queueproof contracts             what is promised
queueproof mutants               how it can be broken on purpose
queueproof judge .qp/latest      judge what was observed again, in a second
queueproof report .qp/latest     show it: one page with verdicts and a timeline
queueproof init                  describe your application, from what can be found
queueproof doctor                what this machine can run, and what is missing
"""


@click.group(help=_ABOUT, epilog=_EPILOG)
def cli() -> None:
    """Group the commands."""


cli.add_command(check)
cli.add_command(doctor)
cli.add_command(init)
cli.add_command(report)
cli.add_command(walk)

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_scenarios = click.option(
    "--scenarios",
    type=click.Path(path_type=Path),
    default=SCENARIOS,
    show_default=True,
    help="The folder with test_*.py and mutants/.",
)


@cli.command("contracts", epilog=_EPILOG)
@_as_json
@_scenarios
def list_contracts(as_json: bool, scenarios: Path) -> None:
    """List the contracts: claim, bounds, the scenarios that show them, their mutants.

    A contract is a sentence about what users can rely on, and a law that finds in a
    history of observations whether it was so.
    """
    rows = catalogue(contracts(), load_mutants(scenarios / "mutants"), scenarios)
    if as_json:
        click.echo(json.dumps({"schema": 1, "contracts": rows}, indent=1))
        return
    for row in rows:
        click.secho(f"{row['id']}  {row['code']}", bold=True)
        click.echo(f"  {row['claim']}.")
        for name, bound in row["bounds"].items():
            value = f"{bound['default']:g} {bound['unit']}"
            click.echo(f"  {name} = {value}: {bound['why']}")
        click.echo(f"  scenarios: {', '.join(row['scenarios']) or 'none'}")
        click.echo(f"  mutants: {', '.join(row['mutants']) or 'none'}")


@cli.command("mutants", epilog=_EPILOG)
@_as_json
@_scenarios
def list_mutants(as_json: bool, scenarios: Path) -> None:
    """List the mutants: how each breaks the application, and who must notice.

    Run one with `pytest scenarios/ --mutant NAME`: exit code 1, because its own
    contract is violated. A healthy one changes nothing that matters: exit code 0.
    """
    found = load_mutants(scenarios / "mutants")
    if as_json:
        rows = [_mutant_row(mutant) for mutant in found]
        click.echo(json.dumps({"schema": 1, "mutants": rows}, indent=1))
        return
    for mutant in found:
        must = "must hold" if mutant.healthy else f"must violate {mutant.contract}"
        click.secho(mutant.name, bold=True, nl=False)
        click.echo(f"  {mutant.mechanism} · {must}\n  {mutant.why}")


def _mutant_row(mutant: Mutant) -> dict[str, object]:
    return {
        "name": mutant.name,
        "contract": mutant.contract,
        "why": mutant.why,
        "mechanism": mutant.mechanism,
        "healthy": mutant.healthy,
    }


@cli.command("judge", epilog=_EPILOG)
@click.argument("run", type=click.Path(path_type=Path), default=Path(".qp/latest"))
@_as_json
@outputs
def judge_again(run: Path, as_json: bool, junit: Path | None, github: bool) -> None:
    """Judge stored histories again, with the laws of today.

    RUN is the folder of a run (default .qp/latest), the folder of one test in it, or a
    history.jsonl. Nothing is started, so it takes a second, and histories of an
    older version can be judged too. Where a verdict differs from the stored one, it is
    said, and the new one counts.
    """
    found = list(rejudge(run))
    code = exit_code(v.status for r in found for v in r.judged.verdicts.values())
    if as_json:
        click.echo(json.dumps(_report(found, code), indent=1, ensure_ascii=False))
    else:
        for page in (page for r in found for page in r.pages):
            click.echo(page + "\n")
        for change in (change for r in found for change in r.changes):
            click.echo(f"changed: {change}")
        judged = [r.judged for r in found]
        colour = sys.stdout.isatty()
        click.echo(verdict_table(judged, about={"run": run}, colour=colour))
    write_outputs([r.judged for r in found], junit=junit, github=github)
    if code:
        raise SystemExit(int(code))


def _report(found: list[Rejudged], code: ExitCode) -> dict[str, object]:
    return {
        "schema": 1,
        "exit_code": int(code),
        "tests": [r.judged.to_dict() for r in found],
        "changes": [change for r in found for change in r.changes],
    }


def main() -> None:
    """Run the command; errors of ours end in one sentence, not in a traceback."""
    try:
        cli()
    except HarnessError as error:
        click.echo(f"queueproof: {error}", err=True)
        wrong = isinstance(error, _WRONG_USE)
        raise SystemExit(
            int(ExitCode.WRONG_USE if wrong else ExitCode.HARNESS_FAILED)
        ) from None
    except Exception:  # noqa: BLE001  # 1 means violated, never "we crashed"
        traceback.print_exc()
        raise SystemExit(int(ExitCode.HARNESS_FAILED)) from None


if __name__ == "__main__":
    main()
