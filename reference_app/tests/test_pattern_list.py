import ast
import sys

from reference_app import pattern_list

#: Each pattern may use one of these, beside the standard library.
CLIENTS = {"redis", "celery", "sqlalchemy"}
FIELDS = ("Guarantee", "Units", "Raises", "Needs", "Breaks if", "Proof", "Source")


def files():
    return sorted(pattern_list.FOLDER.glob("[a-z]*.py"))


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]


def test_every_pattern_is_listed_with_what_it_guarantees_and_what_proves_it():
    found = pattern_list.read()
    assert [pattern.file for pattern in found] == [path.name for path in files()]
    for pattern in found:
        assert pattern.promise.endswith(".")
        assert pattern.guarantee
        assert "." in pattern.contract


def test_every_header_has_all_fields_in_order():
    for path in files():
        header = ast.get_docstring(ast.parse(path.read_text()))
        places = [header.find(f"\n{field} ") for field in FIELDS]
        assert -1 not in places, path.name
        assert places == sorted(places), path.name
        assert "Copy this file" in header, path.name


def test_a_pattern_is_short_and_needs_one_client_library_at_most():
    for path in files():
        assert len(path.read_text().splitlines()) <= 120, path.name
        foreign = set(imported(path)) - sys.stdlib_module_names
        assert foreign <= CLIENTS, path.name
        assert len(foreign) <= 1, path.name
