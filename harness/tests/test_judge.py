from dataclasses import replace

from harness.contract import Bound, Contract
from harness.history import History
from harness.judge import judge
from harness.verdict import Status, Verdict, holds, violated


def law(check, **bounds: float) -> Contract:
    """A contract that is registered nowhere."""
    made = {name: Bound(value, "s", "a test") for name, value in bounds.items()}
    words = {"claim": "x", "user_sees": "x", "likely": "x", "source": "x"}
    return Contract("retry.x", "RETR-999", check=check, bounds=made, **words)


def a_history() -> History:
    history = History(start_mono=0.0)
    history.record("driver", "submitted", "a", 1.0)
    history.record("driver", "event", "a", 5.0, event="completed")
    return history


def holding(history, bounds) -> Verdict:
    return holds("yes", measured={"wait_s": bounds.get("wait_s", 0.0)})


def late(history, bounds) -> Verdict:
    return violated("late", timed=bounds["wait_s"] > 0)


def wrong(history, bounds) -> Verdict:
    return violated("wrong")


def stalled() -> History:
    history = a_history()
    history.record("harness", "heartbeat", t=3.0, gap_s=0.9)
    return history


def test_a_verdict_without_doubts_stands():
    assert judge(law(holding), a_history()).status is Status.HOLDS


def test_a_law_that_crashes_is_inconclusive_and_says_where():
    verdict = judge(law(lambda history, bounds: bounds["nothing"]), a_history())
    assert verdict.status is Status.INCONCLUSIVE
    assert "KeyError" in verdict.summary
    assert "test_judge.py" in verdict.observed or "judge.py" in verdict.observed


def test_a_fault_that_hit_nothing_makes_holds_inconclusive():
    history = a_history()
    history.record("fault", "injected", t=2.0, fault="kill_child", bit=False, proof="-")
    assert judge(law(holding), history).status is Status.INCONCLUSIVE
    assert judge(law(wrong), history).status is Status.VIOLATED


def test_a_fault_that_was_dealt_again_casts_no_doubt():
    history = a_history()
    for t in (2.0, 3.0):
        history.record("fault", "injected", t=t, fault="kill_child", bit=False)
    (first, second) = history.of(source="fault")
    history.record("harness", "dealt_again", t=4.0, line=first.line)
    assert judge(law(holding), history).status is Status.INCONCLUSIVE
    history.record("harness", "dealt_again", t=4.0, line=second.line)
    assert judge(law(holding), history).status is Status.HOLDS


def test_a_stalled_machine_makes_a_bound_worthless():
    verdict = judge(law(holding, wait_s=1.0), stalled())
    assert verdict.status is Status.INCONCLUSIVE
    assert "Machine stalled" in verdict.summary
    assert judge(law(holding, wait_s=2.0), stalled()).status is Status.HOLDS


def test_a_stall_excuses_what_came_late_but_not_what_was_wrong():
    assert judge(law(late, wait_s=1.0), stalled()).status is Status.INCONCLUSIVE
    assert judge(law(wrong, wait_s=1.0), stalled()).status is Status.VIOLATED


def test_a_bound_that_the_law_never_looked_at_does_not_matter():
    unread = law(lambda history, bounds: holds("yes"), wait_s=0.1)
    assert judge(unread, stalled()).status is Status.HOLDS


def test_a_stall_before_the_first_job_does_not_matter():
    history = a_history()
    history.record("harness", "heartbeat", t=0.95, gap_s=0.9)
    assert judge(law(holding, wait_s=1.0), history).status is Status.HOLDS


def test_a_situation_that_never_arose_is_inconclusive_in_its_own_words():
    history = a_history()
    history.record("harness", "never_happened", text="Expected progress")
    verdict = judge(law(holding), history)
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.summary == "Expected progress"
    assert judge(law(wrong), history).status is Status.VIOLATED


def test_bounds_come_from_the_argument_the_history_or_the_contract():
    def measure(history, bounds):
        return holds("yes", measured={"wait_s": bounds["wait_s"]})

    contract = law(measure, wait_s=1.0)
    history = a_history()
    assert judge(contract, history).measured["wait_s"] == 1.0
    history.record("harness", "run", t=0.0, bounds={"retry.x": {"wait_s": 2.0}})
    assert judge(contract, history).measured["wait_s"] == 2.0
    assert judge(contract, history, {"wait_s": 3.0}).measured["wait_s"] == 3.0


def test_a_bound_that_counts_says_nothing_about_time():
    def counting(history, bounds):
        return holds(f"{bounds['attempts']}, {bounds['wait_s']}")

    both = {"attempts": Bound(0.0, "times", "x"), "wait_s": Bound(2.0, "s", "x")}
    counted = replace(law(counting), bounds=both)
    assert judge(counted, stalled()).status is Status.HOLDS


def test_what_the_guard_refused_may_have_caused_it_all():
    history = a_history()
    history.record(
        "ledger", "refused", t=2.0, part="worker", host="db", port=1, site="a.py:1"
    )

    for check in (holding, wrong, late):
        verdict = judge(law(check, wait_s=1.0), history)
        assert verdict.status is Status.INCONCLUSIVE
        assert "worker tried to reach db:1 from a.py:1" in verdict.summary
        assert verdict.evidence == (3,)
