import dataclasses
import random
from collections import Counter

import pytest

from harness import situations
from harness.contract import find_contract
from harness.errors import NotApplicable
from harness.target import Job, Target


def test_each_situation_is_about_contracts_that_exist_and_says_what_it_does():
    every = situations.situations()
    assert [s.name for s in every] == sorted(s.name for s in every)
    for one in every:
        assert one.about.endswith(".")
        assert one.contracts
        for id in one.contracts:
            find_contract(id)


def test_a_situation_gets_the_parts_it_names_and_no_others():
    seen = {}

    def arrange(agent, history):
        seen.update(agent=agent, history=history)

    one = situations.Situation("room.name", "About.", ("a.b",), arrange)
    one.perform(agent=1, history=2, stack=3)
    assert seen == {"agent": 1, "history": 2}


@pytest.mark.parametrize(
    ("job", "says"),
    [
        (Job(submit="POST /jobs"), "no job of the application is described with"),
        (Job(task="a.b"), r"\[job.report\] does not say how long it lasts"),
        (Job(task="a.b", expected_s=4, soft_s=3, hard_s=5), "lasts 4 s, .* 3 and 5 s"),
    ],
)
def test_a_job_that_meets_no_limit_is_not_sent(job, says):
    target = dataclasses.replace(Target("a:b"), jobs={"report": job})
    with pytest.raises(NotApplicable, match=says):
        situations.time_limit.own_jobs_past_their_soft_limit(None, target, None)


class Beat:
    """An agent that knows a schedule."""

    def __init__(self, **entries):
        self.entries = entries

    def schedule(self):
        return self.entries


@pytest.mark.parametrize(
    "entries",
    [
        {},
        {"nightly": {"task": "a.b", "every_s": None}},
        {"hourly": {"task": "a.b", "every_s": 3600.0}},
        {
            "often": {"task": "a.b", "every_s": 1.0},
            "hourly": {"task": "a.b", "every_s": 3600.0},
        },
    ],
)
def test_a_schedule_whose_runs_cannot_be_counted_is_not_watched(entries):
    with pytest.raises(NotApplicable, match=f"has {len(entries)} entries, none of"):
        situations.schedule.steady_state(Beat(**entries), None)


def test_the_damage_of_a_churn_is_enough_and_the_same_for_the_same_seed():
    dealt = situations.churn.damage(1000, random.Random(1))
    assert Counter(dealt) == {"kill_child": 160, "cut_connections": 16, "kill_main": 16}
    assert dealt == situations.churn.damage(1000, random.Random(1))
    assert dealt != situations.churn.damage(1000, random.Random(2))
    assert set(situations.churn.damage(5, random.Random(1))) == set(dealt)
