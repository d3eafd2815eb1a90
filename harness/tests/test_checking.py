from pathlib import Path

import pytest

from harness.checking import Check, Outcome, chosen, pages
from harness.errors import ContractError, NeverHappened, NotApplicable, TargetError
from harness.report.verdict_file import Judged
from harness.run import Run
from harness.situations import Situation, situations
from harness.target_table import from_table
from harness.verdict import ExitCode, Status, holds, inconclusive, violated

APPS = Path(__file__).parent / "apps"
ROUTED = "routing.every-task-has-a-worker"
ENFORCED = "time_limit.deployed-pool-enforces"


def test_all_situations_but_the_asked_are_chosen_and_the_quick_ones_come_first():
    names = [s.name for s in chosen([], [])]
    assert sorted(names) == [s.name for s in situations() if not s.asked]
    assert names[0] == "routing.knock_at_every_task"
    assert names.index("time_limit.only_sleeps") < names.index("broker.busy_worker")


def test_situations_are_chosen_by_name_room_and_contract():
    assert [s.name for s in chosen(["time_limit.only_sleeps"], [])] == [
        "time_limit.only_sleeps"
    ]
    assert {s.room for s in chosen(["time_limit", "broker"], [])} == {
        "time_limit",
        "broker",
    }
    assert all(ENFORCED in s.contracts for s in chosen([], [ENFORCED]))
    assert chosen(["broker"], [ENFORCED]) == []


def test_a_situation_that_wants_to_be_asked_for_is_found_by_name_room_and_contract():
    asked = [["memory.every_ending"], ["memory"], []]
    contracts = [[], [], ["memory.given-back-after-a-kill"]]
    for only, ids in zip(asked, contracts, strict=True):
        assert [s.name for s in chosen(only, ids)] == ["memory.every_ending"]


def test_what_does_not_exist_is_named_with_the_nearest():
    with pytest.raises(TargetError, match=r"time_limt.*did you mean 'time_limit'"):
        chosen(["time_limt"], [])
    with pytest.raises(ContractError, match="deployed-pool-enforces"):
        chosen([], ["time_limit.deployed-pool"])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    target = from_table({"app": "plain:app", "chdir": "."} | WORKER, APPS)
    run = Run(target, lambda: tmp_path_factory.mktemp("check"))
    yield run
    run.close()


WORKER = {"commands": {"worker": "{python} -m celery -A {app} worker -c 1"}}


def performed(run, *arrangements, contracts=(ROUTED,)):
    """Return the outcomes of situations made of these functions."""
    made = [Situation(f"room.{a.__name__}", "A.", contracts, a) for a in arrangements]
    check = Check(run, lambda situation: f"again {situation.name}")
    check.profile()
    heard = []
    outcomes = list(check.perform(made, heard.append))
    assert heard == made
    return outcomes


def test_each_situation_is_judged_by_its_own_history(run):
    def knocks(agent, history):
        for job in [agent.knock(task) for task in agent.tasks()]:
            history.settle(job, within_s=10)

    def idles(history):
        history.situation("nothing")

    first, second = performed(run, knocks, idles)
    assert (first.status, second.status) == (Status.HOLDS, Status.INCONCLUSIVE)
    assert first.judged.again == "again room.knocks"
    assert list(second.pages) == [ROUTED]
    assert run.target.queues == ("plain",)


def test_what_breaks_a_situation_off_does_not_break_the_others(run):
    def crashes():
        raise ZeroDivisionError("by us")

    def never():
        raise NeverHappened("it did not come to that")

    def refuses():
        raise NotApplicable("it has no such thing")

    before = len(run.errors)
    crashed, missed, refused = performed(run, crashes, never, refuses)
    assert crashed.status is missed.status is Status.INCONCLUSIVE
    assert "by us" in crashed.error
    (noted,) = run.errors[before:]
    assert "ZeroDivisionError" in noted[0]
    assert run.exit_code is ExitCode.HARNESS_FAILED
    assert (refused.status, refused.why) == (None, "it has no such thing")
    assert run.skips[-1] == (ROUTED, "it has no such thing")


def test_a_contract_whose_needs_are_missing_is_not_even_tried(run):
    def tried():
        raise AssertionError("performed all the same")

    (outcome,) = performed(run, tried, contracts=("schedule.one-run-per-slot",))
    assert outcome.judged is None
    assert outcome.why == "the target has no beat: say --beat COMMAND if it has one"


def outcome(name, verdict, page="page"):
    judged = Judged(name, name, "again", {ROUTED: verdict})
    shown = {} if verdict.status is Status.HOLDS else {ROUTED: page}
    return Outcome(Situation(name, "A.", (ROUTED,), print), judged, pages=shown)


def test_a_contract_has_one_page_the_worst_and_names_the_others():
    told = pages(
        [
            outcome("room.a", inconclusive("little was seen"), "page of a"),
            outcome("room.b", violated("it is broken"), "page of b"),
            outcome("room.c", holds("fine")),
        ]
    )
    assert told == ["page of b\n  also       room.a: little was seen"]


def test_an_application_that_is_not_there_is_a_wrong_description(tmp_path):
    run = Run(
        from_table({"app": "plian:app", "chdir": "."} | WORKER, APPS), lambda: tmp_path
    )
    with pytest.raises(TargetError, match=r"Did you mean 'plain:app'\?"):
        Check(run, lambda s: "").profile()
    run.close()


def test_a_worker_that_does_not_start_is_one_error_with_its_log(tmp_path):
    command = {"commands": {"worker": "sh -c 'echo no such disk; exit 3'"}}
    table = {"app": "plain:app", "chdir": "."} | command
    run = Run(from_table(table, APPS), lambda: tmp_path)
    with pytest.raises(TargetError, match=r"(?s)code 3.*no such disk.*--command"):
        Check(run, lambda s: "").profile()
    run.close()
