import os
import subprocess
import sys

import pytest

from reference_app import pidfile


def test_a_file_names_a_living_process_while_it_is_held(tmp_path):
    path = tmp_path / "run" / "beat.pid"
    with pidfile.held(path):
        assert pidfile.living(path) == [os.getpid()]
    assert not path.exists()


@pytest.mark.parametrize("text", ["", "garbage", "1 None\n", "{ours} 12345\n"])
def test_what_a_file_of_the_past_says_is_not_believed_and_not_in_the_way(
    tmp_path, text
):
    path = tmp_path / "beat.pid"
    path.write_text(text.format(ours=os.getpid()))
    assert pidfile.living(path) == []
    with pidfile.held(path):
        assert pidfile.living(path) == [os.getpid()]


def test_a_process_that_ended_is_no_longer_named(tmp_path):
    path = tmp_path / "worker.pid"
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    pidfile.write(path, os.getpid(), process.pid)
    assert pidfile.living(path) == [os.getpid(), process.pid]
    process.kill()
    process.communicate()
    assert pidfile.living(path) == [os.getpid()]


def test_a_file_that_another_has_taken_over_is_left_alone(tmp_path):
    path = tmp_path / "beat.pid"
    with pidfile.held(path):
        pidfile.write(path, 1)
    assert pidfile.living(path) == [1]
