import ast
import re
import sys

import pytest

from reference_app import pattern_list

ROOT = pattern_list.FOLDER.parents[1]
#: Each pattern may use one of these, beside the standard library.
CLIENTS = {"redis", "celery"}
FIELDS = ("Guarantee", "Units", "Raises", "Needs", "Breaks if", "Proof", "Source")


def files():
    return sorted(pattern_list.FOLDER.glob("[a-z]*.py"))


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]


def contracts():
    """Return the code of each contract id; read, as the app never imports harness."""
    text = "".join(
        path.read_text() for path in (ROOT / "harness" / "contracts").glob("[a-z]*.py")
    )
    return dict(re.findall(r'id="([a-z_]+\.[a-z-]+)",\s+code="([A-Z]+-\d{3})"', text))


def test_every_pattern_is_listed_with_what_it_guarantees():
    found = pattern_list.read()
    assert [pattern.file for pattern in found] == [path.name for path in files()]
    for pattern in found:
        assert pattern.promise.endswith(".")
        assert pattern.guarantee
        assert pattern.contracts


@pytest.mark.parametrize("pattern", pattern_list.read(), ids=lambda p: p.name)
def test_a_pattern_names_the_contract_that_proves_it_or_else_its_code(pattern):
    known = contracts()
    assert known
    for proof in pattern.contracts:
        if "." in proof:
            assert proof in known
        else:
            # A code stands for a contract that is not there yet: then the id does.
            assert re.fullmatch(r"[A-Z]+-\d{3}", proof)
            assert proof not in known.values()


def test_every_header_has_all_fields_in_order():
    for path in files():
        header = ast.get_docstring(ast.parse(path.read_text()))
        places = [header.find(f"\n{field} ") for field in FIELDS]
        assert -1 not in places, path.name
        assert places == sorted(places), path.name
        assert "Copy this file" in " ".join(header.split()), path.name


def test_a_pattern_is_short_and_needs_one_client_library_at_most():
    for path in files():
        assert len(path.read_text().splitlines()) <= 120, path.name
        foreign = set(imported(path)) - sys.stdlib_module_names
        assert foreign <= CLIENTS, path.name
        assert len(foreign) <= 1, path.name


def test_the_readme_has_a_row_for_every_pattern():
    rows = re.findall(
        r"^\| \[(\w+)\]\(reference_app/patterns/\w+\.py\) \| (.+) \|$",
        (ROOT / "README.md").read_text(),
        re.M,
    )
    assert rows == [(p.name, p.promise) for p in pattern_list.read()]
