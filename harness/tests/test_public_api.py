import subprocess
import sys

import harness


def test_the_public_names_are_sorted_and_each_is_there():
    assert harness.__all__ == sorted(harness.__all__)
    for name in harness.__all__:
        assert getattr(harness, name) is not None
    assert set(harness.__all__) == set(harness._HOMES)
    assert set(harness.__all__) <= set(dir(harness))


def test_an_unknown_name_is_an_ordinary_error():
    assert not hasattr(harness, "nothing_of_the_kind")


def loaded_by(code: str) -> set[str]:
    """Return the modules a fresh interpreter has after running this."""
    code += "\nimport sys; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


HEAVY = {"redis", "socketio", "httpx", "rich", "testcontainers", "celery", "torch"}


def test_importing_the_package_loads_nothing_of_weight():
    assert not loaded_by("import harness") & {*HEAVY, "pytest", "harness.history"}


def test_a_mutant_can_be_defined_without_a_redis_client():
    assert not loaded_by("from harness import Mutant, Replace") & HEAVY


def test_the_plugin_loads_nothing_of_weight():
    loaded = loaded_by("import harness.plugin")
    assert not loaded & HEAVY
    assert not {name for name in loaded if name.startswith("harness.")} - {
        "harness.fixtures",
        "harness.parallel",
        "harness.plugin",
        "harness.session",
    }
