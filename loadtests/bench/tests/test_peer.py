import pytest

from loadtests.bench import peer

REPORT = """<testsuites><testsuite>
<testcase name="a" time="30.0"/><testcase name="b" time="7.0"/>
<testcase name="c" time="8.5"/>
</testsuite></testsuites>"""


@pytest.fixture
def example(monkeypatch, tmp_path):
    """Put a program in the place of the example's own."""

    def put(program):
        (tmp_path / "run.py").write_text(program)
        monkeypatch.setattr(peer, "EXAMPLE", tmp_path)

    return put


def test_the_first_of_their_tests_builds_the_image_and_is_left_out(example):
    example(
        "import pathlib, sys\n"
        "path = sys.argv[2].removeprefix('--junitxml=')\n"
        f"pathlib.Path(path).write_text({REPORT!r})\n"
    )
    assert peer._theirs() == [7.0, 8.5]


def test_a_test_of_theirs_that_fails_is_no_figure(example):
    example("import sys; print('no engine'); sys.exit(1)")
    with pytest.raises(RuntimeError, match="no engine"):
        peer._theirs()
