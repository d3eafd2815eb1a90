import compileall
import textwrap

import pytest

from harness.errors import MutantError
from harness.mutant import Mutant, Replace, apply_overlay, find_mutant, load_mutants


def write(folder, file, /, **fields):
    words = {"name": "terminal-twice", "contract": "terminal.exactly-one", "why": "x"}
    given = ", ".join(f"{k}={v!r}" for k, v in {**words, **fields}.items())
    text = f"from harness import Mutant, Replace\nMUTANT = Mutant({given})\n"
    (folder / f"{file}.py").write_text(text)


def test_mutants_are_loaded_by_file_and_sorted_by_name(tmp_path):
    write(tmp_path, "terminal_b", name="b", env={"A": "1"})
    write(tmp_path, "terminal_a", name="a", command={"worker": ["--pool=solo"]})
    (tmp_path / "__init__.py").write_text("raise RuntimeError")
    (tmp_path / "test_mutants.py").write_text("raise RuntimeError")
    first, second = load_mutants(tmp_path)
    assert (first.name, first.mechanism) == ("a", "command")
    assert (second.name, second.mechanism) == ("b", "env")
    assert find_mutant("b", tmp_path).env == {"A": "1"}


@pytest.mark.parametrize(
    ("file", "fields", "text"),
    [
        (
            "terminal_x",
            {"contract": "terminal.exact", "env": {"A": "1"}},
            "mean",
        ),
        (
            "terminal_x",
            {"name": "Terminal Twice", "env": {"A": "1"}},
            "expected a name",
        ),
        ("terminal_x", {}, "changes nothing"),
        ("replay_x", {"env": {"A": "1"}}, "lives in terminal_<name>.py"),
    ],
)
def test_a_wrong_mutant_is_refused(tmp_path, file, fields, text):
    write(tmp_path, file, **fields)
    with pytest.raises(MutantError, match=text):
        load_mutants(tmp_path)


def test_a_file_without_a_mutant_and_a_name_twice_are_refused(tmp_path):
    (tmp_path / "terminal_x.py").write_text("")
    with pytest.raises(MutantError, match="defines no MUTANT"):
        load_mutants(tmp_path)
    write(tmp_path, "terminal_x", env={"A": "1"})
    write(tmp_path, "terminal_y", env={"A": "1"})
    with pytest.raises(MutantError, match="is taken"):
        load_mutants(tmp_path)


def test_an_unknown_name_gets_the_nearest(tmp_path):
    write(tmp_path, "terminal_x", env={"A": "1"})
    with pytest.raises(MutantError, match="Did you mean 'terminal-twice'"):
        find_mutant("terminal-twise", tmp_path)


@pytest.fixture
def package(tmp_path):
    """A package with code, tests, a cache and weights; returns its parent."""
    root = tmp_path / "source" / "shop"
    for folder in ("tests", "__pycache__", "sub/models"):
        (root / folder).mkdir(parents=True)
    (root / "__init__.py").write_text("")
    (root / "events.py").write_text("once = True\nLIMIT = 1\nlimit = LIMIT\n")
    (root / "tests" / "test_x.py").write_text("")
    (root / "sub" / "models" / "weights.bin").write_bytes(b"w")
    return tmp_path / "source"


def mutant(*overlay, **fields):
    return Mutant("m", "terminal.exactly-one", "x", overlay=overlay, **fields)


def test_an_overlay_changes_a_copy_and_leaves_the_source(package, tmp_path):
    change = Replace("shop/events.py", "once = True", "once = False")
    (file,) = apply_overlay(mutant(change), tmp_path / "work", roots=[package])
    assert file == tmp_path / "work" / "shop" / "events.py"
    assert file.read_text().startswith("once = False")
    assert (package / "shop" / "events.py").read_text().startswith("once = True")
    assert not (tmp_path / "work" / "shop" / "tests").exists()
    weights = tmp_path / "work" / "shop" / "sub" / "models"
    assert weights.is_symlink()
    assert (weights / "weights.bin").read_bytes() == b"w"


def test_what_is_compiled_comes_along_but_not_of_what_is_changed(package, tmp_path):
    assert compileall.compile_dir(package, quiet=2)
    change = Replace("shop/events.py", "once = True", "once = None")  # as long
    (file,) = apply_overlay(mutant(change), tmp_path / "work", roots=[package])
    kept = [each.name for each in (file.parent / "__pycache__").iterdir()]
    assert [name.partition(".")[0] for name in kept] == ["__init__"]


def test_several_replacements_meet_in_one_copy(package, tmp_path):
    changes = (
        Replace("shop/events.py", "once = True", "once = False"),
        Replace("shop/events.py", "LIMIT = 1\n", "LIMIT = 2\n"),
    )
    apply_overlay(mutant(*changes), tmp_path / "work", roots=[package])
    text = (tmp_path / "work" / "shop" / "events.py").read_text()
    assert "once = False" in text
    assert "LIMIT = 2" in text


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (Replace("shop/events.py", "never there", "x"), "found it 0 times"),
        (Replace("shop/events.py", "LIMIT", "x"), "found it 2 times"),
        (Replace("shop/nothing.py", "x", "y"), "there is no file"),
        (Replace("nowhere_at_all/x.py", "x", "y"), "neither in"),
        (Replace("../x.py", "x", "y"), "leaves the package"),
    ],
)
def test_an_overlay_that_does_not_match_exactly_once_is_an_error(
    package, tmp_path, change, text
):
    with pytest.raises(MutantError, match=text):
        apply_overlay(mutant(change), tmp_path / "work", roots=[package])


def test_without_roots_the_package_is_found_where_it_would_be_imported(
    package, tmp_path, monkeypatch
):
    monkeypatch.syspath_prepend(str(package))
    change = Replace("shop/events.py", "once = True", "once = False")
    apply_overlay(mutant(change), tmp_path / "work")
    assert (tmp_path / "work" / "shop" / "events.py").exists()


def test_one_replacement_may_stand_alone_or_in_a_list(tmp_path):
    change = Replace("shop/events.py", "a", "b")
    assert Mutant("m", "x", "y", overlay=change).replacements == (change,)
    text = textwrap.dedent(
        """
        from harness import Mutant, Replace
        MUTANT = Mutant("m", "terminal.exactly-one", "x",
                        overlay=[Replace("shop/events.py", "a", "b")])
        """
    )
    (tmp_path / "terminal_m.py").write_text(text)
    assert load_mutants(tmp_path)[0].replacements == (change,)
