import os
import subprocess
import sys
from collections import Counter
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from reference_app import pattern_copy, pattern_list
from reference_app.__main__ import main


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "jobs" / "patterns"
    folder.mkdir(parents=True)
    for part in (folder, folder.parent):
        (part / "__init__.py").touch()
    return folder


def add(*words):
    return CliRunner().invoke(main, ["patterns", "add", *map(str, words)])


def files(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_pattern_is_copied_as_it_is_and_says_what_proves_it(package):
    said = add("poison", package)
    assert said.exit_code == 0
    assert files(package) == ["__init__.py", "poison.py"]
    original = pattern_list.FOLDER / "poison.py"
    assert (package / "poison.py").read_text() == original.read_text()
    assert "contracts  delivery.poison-is-bounded\n" in said.output
    assert "install    redis>=6.4\n" in said.output
    assert "test_poison.py, with --tests" in said.output


def test_a_pattern_of_the_standard_library_needs_nothing(package):
    assert "install    nothing\n" in add("gpu_lease", package).output


def test_its_tests_travel_with_it_and_import_the_copy(package):
    said = add("poison", package, "--tests")
    assert said.exit_code == 0
    tests = ["conftest.py", "embedded_redis.py", "test_poison.py"]
    assert files(package / "tests") == tests
    text = (package / "tests" / "test_poison.py").read_text()
    assert "from jobs.patterns.poison import" in text
    for path in package.rglob("*.py"):
        assert "from reference_app" not in path.read_text()


def test_a_second_pattern_shares_what_the_tests_share(package):
    add("poison", package, "--tests")
    assert add("retry", package, "--tests").exit_code == 0
    assert len(files(package / "tests")) == 4


def test_nothing_is_ever_overwritten(package):
    (package / "poison.py").write_text("mine")
    said = add("poison", package, "--tests")
    assert said.exit_code == 2
    assert "poison.py is there already, and another" in said.output
    assert (package / "poison.py").read_text() == "mine"
    assert not (package / "tests").exists()
    (package / "poison.py").unlink()
    add("poison", package)
    assert "is there already, the same" in add("poison", package).output


def test_a_folder_that_is_no_package_is_refused_with_the_remedy(tmp_path):
    said = add("poison", tmp_path / "nowhere")
    assert said.exit_code == 2
    assert "touch" in said.output
    assert "nowhere/__init__.py" in "".join(said.output.split())


#: What stands at the root of the folder below: none of this project is there.
ALONE = """
import importlib.util
import sys
from pathlib import Path

sys.path[:] = [item for item in sys.path if not (Path(item) / "reference_app").is_dir()]
for name in ("reference_app", "harness"):
    sys.modules[name] = None  # an editable install has a finder of its own
"""


def test_each_pattern_works_alone_with_its_tests_in_an_empty_package(tmp_path):
    # Given a package of its own for each pattern, in a folder that has nothing else
    patterns = pattern_list.read()
    (tmp_path / "conftest.py").write_text(ALONE)
    for pattern in patterns:
        package = tmp_path / f"only_{pattern.name}"
        package.mkdir()
        (package / "__init__.py").touch()
        pattern_copy.add(pattern, package, tests=True)
    # When the tests run there that need no server and no worker
    command = [
        *(sys.executable, "-m", "pytest", "--import-mode=importlib", "-m", "not real"),
        *("-p", "no:queueproof", "-p", "no:valkey", "-p", "no:cacheprovider"),
        *("-p", "no:schemathesis"),
        *("-o", "markers=real: servers", "-W", "error", "--strict-markers"),
        *("--junit-xml=report.xml", "-q"),
    ]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    # Then all of them pass, and each pattern has some
    assert done.returncode == 0, done.stdout
    cases = ElementTree.parse(tmp_path / "report.xml").iter("testcase")
    passed = Counter(
        case.get("classname").split(".")[0] for case in cases if not len(case)
    )
    assert passed.keys() == {f"only_{pattern.name}" for pattern in patterns}
