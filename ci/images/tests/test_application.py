"""The application's image: `pytest ci/images/tests`, after `ci/images/make app`."""

import os
import subprocess

#: Seconds a container may take; with torch's imports it needs five.
WITHIN_S = 60


def in_container(*arguments):
    """Run a container of the image and return the finished `docker run`."""
    return subprocess.run(
        ["docker", "run", "--rm", "--init", *arguments],
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=True,
    )


def python(program):
    image = os.environ["QUEUEPROOF_APP_IMAGE"]
    return in_container("--entrypoint", "python", image, "-c", program).stdout


def test_the_entry_takes_the_name_of_a_process():
    image = os.environ["QUEUEPROOF_APP_IMAGE"]
    assert "--concurrency" in in_container(image, "worker", "--help").stdout


def test_the_worker_s_imports_are_there_and_torch_runs_on_the_cpu():
    seen = python("import reference_app.worker, torch; print(torch.version.cuda)")
    assert seen == "None\n"


def test_it_is_not_root_and_can_write_to_its_data_only():
    seen = python(
        "import os;"
        "print(os.getuid(), os.access('/data', os.W_OK), os.access('/app', os.W_OK))"
    )
    assert seen == "10001 True False\n"


def test_neither_tests_nor_the_harness_are_inside():
    seen = python(
        "import importlib.util as u, reference_app, pathlib;"
        "print(u.find_spec('harness'), u.find_spec('pytest'),"
        "list(pathlib.Path(reference_app.__file__).parent.rglob('tests')))"
    )
    assert seen == "None None []\n"
