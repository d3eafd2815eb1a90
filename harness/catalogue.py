"""Which contract is shown by which scenarios and broken by which mutants."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from harness.contract import Contract
from harness.mutant import Mutant


def scenarios_by_contract(folder: Path) -> dict[str, list[str]]:
    """Return {contract id: ["test_x.py::test_y", ...]}, read from the source text.

    Nothing is imported: a marker is found as a decorator of the test, by a name of its
    own in the module or not, and in the module's `pytestmark`.
    """
    found: dict[str, list[str]] = {}
    for path in sorted(folder.glob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        shared = [id for node in tree.body for id in _module_marks(node)]
        named = dict(mark for node in tree.body for mark in _named_marks(node))
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                own = [
                    id
                    for d in node.decorator_list
                    for id in named.get(ast.unparse(d), _contract_ids(d))
                ]
                for id in dict.fromkeys([*own, *shared]):
                    found.setdefault(id, []).append(f"{path.name}::{node.name}")
    return found


def _module_marks(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Assign) and any(
        isinstance(t, ast.Name) and t.id == "pytestmark" for t in node.targets
    ):
        marks = node.value.elts if isinstance(node.value, ast.List) else [node.value]
        for mark in marks:
            yield from _contract_ids(mark)


def _named_marks(node: ast.stmt) -> Iterator[tuple[str, list[str]]]:
    """Yield name and contracts of `name = pytest.mark.contract(...)`."""
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        yield node.targets[0].id, list(_contract_ids(node.value))


def _contract_ids(node: ast.expr) -> Iterator[str]:
    """Yield the arguments of `pytest.mark.contract(...)`, nothing for other calls."""
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("mark.contract"):
        for argument in node.args:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.value


def catalogue(
    contracts: Iterable[Contract], mutants: Iterable[Mutant], scenarios: Path
) -> list[dict[str, Any]]:
    """Return one row per contract as plain JSON types."""
    shown = scenarios_by_contract(scenarios)
    every = list(mutants)
    return [
        {
            "id": contract.id,
            "code": contract.code,
            "claim": contract.claim,
            "user_sees": contract.user_sees,
            "likely": contract.likely,
            "source": contract.source,
            "needs": list(contract.needs),
            "bounds": {
                name: {"default": b.default, "unit": b.unit, "why": b.why}
                for name, b in contract.bounds.items()
            },
            "scenarios": shown.get(contract.id, []),
            "mutants": [
                m.name for m in every if m.contract == contract.id and not m.healthy
            ],
        }
        for contract in contracts
    ]
