import ast
import re
import sys

import pytest
from click.testing import CliRunner

from reference_app import pattern_list
from reference_app.__main__ import main

ROOT = pattern_list.FOLDER.parents[1]
FIELDS = ("Guarantee", "Units", "Raises", "Needs", "Breaks if", "Proof", "Source")


def files():
    return sorted(pattern_list.FOLDER.glob("[a-z]*.py"))


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


def test_the_application_itself_is_made_of_every_pattern():
    app = [
        path
        for path in pattern_list.FOLDER.parent.rglob("*.py")
        if not {"tests", "patterns"} & {*path.parts}
    ]
    text = "".join(path.read_text() for path in app)
    used = {*re.findall(r"from reference_app\.patterns\.(\w+) import", text)}
    for names in re.findall(r"from reference_app\.patterns import (.+)", text):
        used |= {*names.split(", ")}
    assert {pattern.name for pattern in pattern_list.read()} - used == set()


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
        foreign = set(pattern_list.imported(path)) - sys.stdlib_module_names
        assert foreign <= pattern_list.CLIENTS.keys(), path.name
        assert len(foreign) <= 1, path.name


def test_the_readme_has_a_row_for_every_pattern():
    rows = re.findall(
        r"^\| \[(\w+)\]\(reference_app/patterns/\w+\.py\) \| (.+) \|$",
        (ROOT / "README.md").read_text(),
        re.M,
    )
    assert rows == [(p.name, p.promise) for p in pattern_list.read()]


def command(*words):
    return CliRunner().invoke(main, ["patterns", *words])


@pytest.mark.parametrize("words", [(), ("list",)])
def test_the_list_names_what_is_there(words):
    said = command(*words)
    assert said.exit_code == 0
    for pattern in pattern_list.read():
        assert f"│ {pattern.name} " in said.output


def test_show_into_a_pipe_is_the_file_itself():
    said = command("show", "retry")
    assert said.output == (pattern_list.FOLDER / "retry.py").read_text()


def test_show_on_a_terminal_lights_up_the_header(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    said = command("show", "retry")
    assert "\x1b[1;36mGuarantee\x1b[0m" in said.output
    plain = re.sub(r"\x1b\[[\d;]*m", "", said.output)
    assert "A transient fault is tried again" in plain
    assert "def pause_s" in plain


@pytest.mark.parametrize("words", [("show",), ("add",)])
def test_a_wrong_name_is_answered_with_the_nearest(words, tmp_path):
    rest = [] if words == ("show",) else [str(tmp_path)]
    said = command(*words, "retrys", *rest)
    assert said.exit_code == 2
    assert "no pattern 'retrys'; there is: retry" in said.output
    assert (
        "no pattern 'xyzzy'; there is: async_task," in command("show", "xyzzy").output
    )
