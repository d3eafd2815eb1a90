import json

import pytest

from harness.contract import find_contract
from harness.errors import NeverHappened
from harness.run import Run
from harness.scenario import Scenario
from harness.target import Target
from harness.verdict import Status

EVERY, ONE = "terminal.every-exit", "terminal.exactly-one"


@pytest.fixture
def begin(tmp_path):
    """Begin a scenario judged by a contract, its bounds small enough to wait for."""
    begun = []

    def start(contract, **bounds) -> Scenario:
        run = Run(Target("shop:app", bounds={contract: bounds}), lambda: tmp_path)
        scenario = Scenario(run, "test_x.py::test_y", [find_contract(contract)])
        begun.append(scenario)
        scenario.history.record("driver", "submitted", "a", t=0.0, accepted=True)
        scenario.history.record(
            "driver", "subscribed", "a", t=0.0, subscriber="anna", late=False
        )
        return scenario

    yield start
    for scenario in begun:
        scenario.close()


def tell(scenario, event, **data):
    # At the start: a machine that stalls from then on casts no doubt.
    scenario.history.record(
        "driver", "event", "a", t=0.0, subscriber="anna", event=event, **data
    )


def test_it_watches_on_until_the_law_can_decide(begin):
    """Nobody waited in the body: the ending that never comes is found all the same."""
    scenario = begin(EVERY, t_term_s=0.3)
    scenario.history.record("journal", "start", "a", t=0.0, pid=1)
    scenario.history.record("journal", "end", "a", t=0.0, pid=1, how="returned")
    verdict = scenario.finish().verdicts[EVERY]
    assert verdict.status is Status.VIOLATED
    assert scenario.history.watched_until_s >= 0.3


def test_it_does_not_watch_longer_than_the_law_needs(begin):
    scenario = begin(ONE, quiet_s=0.2)
    tell(scenario, "completed")
    assert scenario.finish().verdicts[ONE].status is Status.HOLDS
    assert scenario.history.watched_until_s < 20.0


def test_what_watching_cannot_decide_is_not_waited_for(begin):
    scenario = begin(ONE, quiet_s=300.0)
    assert scenario.finish().verdicts[ONE].status is Status.INCONCLUSIVE


def test_a_scenario_that_broke_off_is_judged_at_once(begin):
    scenario = begin(ONE, quiet_s=300.0)
    tell(scenario, "completed")
    verdict = scenario.finish(NeverHappened("no progress")).verdicts[ONE]
    assert (verdict.status, verdict.summary) == (Status.INCONCLUSIVE, "no progress")


def test_history_and_verdicts_are_stored_side_by_side(begin, tmp_path):
    scenario = begin(ONE, quiet_s=0.0)
    tell(scenario, "completed")
    scenario.finish()
    folder = tmp_path / "test_x--test_y"
    first = json.loads((folder / "history.jsonl").read_text().splitlines()[0])
    assert first["data"]["contracts"] == [ONE]
    assert first["data"]["bounds"] == {ONE: {"quiet_s": 0.0}}
    stored = json.loads((folder / "verdicts.json").read_text())
    assert stored["verdicts"][0]["status"] == "holds"
    assert stored["again"] == 'pytest "test_x.py::test_y"'
