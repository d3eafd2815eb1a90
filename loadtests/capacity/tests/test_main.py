import json

import pytest
from click.testing import CliRunner

from loadtests.capacity.__main__ import main

ASKED = ("--arrivals", "50/s", "--service", "exp:2s", "--p95-wait", "5s")


def ask(*more):
    return CliRunner().invoke(main, [*ASKED, *more])


def test_the_answer_is_how_many_and_why():
    told = ask().output
    assert "103 workers with 1 slots each" in told
    assert "100 slots busy on average" in told
    assert "Allen-Cunneen" in told
    made = json.loads(ask("--concurrency", "4", "--json").output)
    assert made["deployment"]["replicas"] * 4 >= 100
    assert made["prediction"]["waits_s"]["0.95"] <= 5.0


@pytest.fixture
def costs(tmp_path):
    def write(**values):
        path = tmp_path / "costs.json"
        path.write_text(json.dumps(values))
        return "--costs", str(path)

    return write


def test_no_number_of_workers_is_an_answer_too_and_shards_are_another(costs):
    dear = costs(broker_s=0.05)
    refused = ask(*dear)
    assert refused.exit_code == 1
    assert "more than Redis can do: 20/s" in refused.output
    assert ask(*dear, "--shards", "4").exit_code == 0


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (("--arrivals", "many"), "as in 50/s or 600/min"),
        (("--arrivals", "0/s"), "is not above 0"),
        (("--service", "nothing:1"), "write fixed:SECONDS"),
        (("--p95-wait", "long"), "write seconds, as in 5s"),
    ],
)
def test_wrong_use_names_the_value_and_what_to_write(wrong, told):
    result = ask(*wrong)
    assert result.exit_code == 2
    assert wrong[1] in result.output
    assert told in result.output


def test_costs_that_nobody_knows_are_refused_with_those_there_are(costs):
    result = ask(*costs(overhaed_s=1))
    assert result.exit_code == 2
    assert "overhaed_s" in result.output
    assert "overhead_s" in result.output
