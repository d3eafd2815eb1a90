import pytest

from harness.errors import TargetError
from harness.target import Job, Target


def test_a_command_is_filled_word_by_word():
    target = Target("a:b", commands={"api": "'{python}' serve --port {port}"})

    argv = target.command("api", {"python": "/my python", "port": "81"})

    assert argv == ("/my python", "serve", "--port", "81")


def test_an_unknown_kind_of_job_names_the_nearest():
    target = Target("a:b", jobs={"compare": Job()})

    with pytest.raises(TargetError, match="did you mean 'compare'"):
        target.job("compair")


def test_limits_tell_of_retries_where_there_are_any():
    jobs = {"once": Job(soft_s=1, hard_s=2), "fetch": Job(retries=3, transient=["E"])}

    assert Target("a:b", jobs=jobs).limits == {
        "once": {"soft_s": 1, "hard_s": 2},
        "fetch": {"soft_s": None, "hard_s": None, "retries": 3, "transient": ["E"]},
    }


def test_the_longest_and_the_shortest_job_are_those_of_users():
    jobs = {
        "internal": Job(expected_s=99),
        "sweep": Job(submit="POST /sweep", expected_s=20),
        "compare": Job(submit="POST /compare", expected_s=0.5),
    }
    target = Target("a:b", jobs=jobs)

    assert (target.longest_job, target.shortest_job) == ("sweep", "compare")
    with pytest.raises(TargetError, match="has a route `submit`"):
        _ = Target("a:b").longest_job
