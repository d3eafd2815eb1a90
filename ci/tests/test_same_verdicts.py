import json

import pytest

from ci.same_verdicts import main


@pytest.fixture
def run(tmp_path):
    """Write a run's file with these {test: {contract: verdict}}; return its path."""

    def write(name, **tests):
        path = tmp_path / name
        told = [
            {
                "test": test,
                "verdicts": [
                    {"contract": id, "status": status} for id, status in found.items()
                ],
            }
            for test, found in tests.items()
        ]
        path.write_text(json.dumps({"schema": 1, "tests": told}))
        return str(path)

    return write


def test_the_same_verdicts_in_any_order_pass(run, capsys):
    one = run("one", a={"x.y": "holds", "x.z": "violated"}, b={"x.y": "holds"})
    other = run("other", b={"x.y": "holds"}, a={"x.z": "violated", "x.y": "holds"})
    assert main([one, other]) == 0
    assert "3 verdicts, the same" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("tests", "told"),
    [
        ({"a": {"x.y": "violated"}}, "x.y is holds in the first run, violated in the"),
        ({"a": {"x.z": "holds"}}, "x.y is holds in the first run, not judged in the"),
        ({"b": {"x.y": "holds"}}, "a: x.y is holds in the first run, not judged"),
    ],
)
def test_another_verdict_contract_or_test_is_told(run, capsys, tests, told):
    assert main([run("one", a={"x.y": "holds"}), run("other", **tests)]) == 1
    assert told in capsys.readouterr().out


def test_a_run_that_judged_nothing_or_is_none_cannot_be_compared(run, tmp_path, capsys):
    good = run("good", a={"x.y": "holds"})
    assert main([good, run("empty")]) == 1
    assert "judges no contract" in capsys.readouterr().out
    assert main([good, str(tmp_path / "missing")]) == 1
    assert "is not a file of verdicts" in capsys.readouterr().out
    assert main([good]) == 1
