import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import ForeignStack
from harness.contract import find_contract
from harness.errors import ContractError, NotApplicable
from harness.history import History
from harness.judge import judge
from harness.rejudge import rejudge
from harness.verdict import Status

ENFORCES, ROUTED = (
    "time_limit.deployed-pool-enforces",
    "routing.every-task-has-a-worker",
)

#: Bounds that no stall of the machine casts a doubt on.
PATIENT = {ENFORCES: {"kill_s": 60.0, "notice_s": 60.0}}

#: Writes lines through the witness's own ledger, as a worker does that we know nothing
#: of but its environment.
WORKER = """
import os, sys
from queueproof_witness.ledger import Ledger
ledger = Ledger(os.environ["QUEUEPROOF_LEDGER"])
for line in sys.argv[1:]:
    what, job, how = line.split(":")
    ledger.write(what, job=job, role="child", how=how)
"""


@pytest.fixture
def watch(tmp_path):
    """Watch somebody else's stack under these contracts."""
    watched = []

    def begin(*contracts, **more):
        watched.append(ForeignStack(tmp_path / "seen", *contracts, **more))
        return watched[-1]

    yield begin
    for foreign in watched:
        foreign.close()


def work(foreign, *lines):
    """Let a worker with the environment that it was given write these lines."""
    env = {**os.environ, **foreign.environment()}
    subprocess.run([sys.executable, "-c", WORKER, *lines], env=env, check=True)


def test_what_a_worker_wrote_decides_about_what_was_sent(watch):
    foreign = watch(ENFORCES, bounds=PATIENT)
    foreign.sent("a", soft_s=0.1, hard_s=30)
    work(foreign, "start:a:", "end:a:soft_time_limit")
    assert foreign.history.settle("a", within_s=5)
    assert foreign.verdicts()[ENFORCES].status is Status.HOLDS
    foreign.must_hold()


def test_a_broken_promise_is_an_assertion_with_its_page(watch):
    foreign = watch(ENFORCES, again="pytest test_theirs.py")
    foreign.sent("a", soft_s=0.0, hard_s=0.0)
    work(foreign, "start:a:", "end:a:success")
    with pytest.raises(AssertionError) as caught:
        foreign.must_hold()
    assert f"{ENFORCES} VIOLATED" in str(caught.value)
    assert "pytest test_theirs.py" in str(caught.value)


def test_nothing_holds_where_nothing_was_sent_or_nobody_wrote(watch):
    foreign = watch(ENFORCES, ROUTED)
    assert {v.status for v in foreign.verdicts().values()} == {Status.INCONCLUSIVE}
    foreign.sent("a", soft_s=1, hard_s=2)
    with pytest.raises(AssertionError, match="INCONCLUSIVE"):
        foreign.must_hold()


def test_it_watches_on_while_that_can_decide(watch, monkeypatch):
    monkeypatch.setattr("harness.judge.NOISE_S", 60.0)  # whatever the machine does
    foreign = watch(ROUTED, bounds={ROUTED: {"t_rec_s": 0.3}})
    foreign.has_tasks("shop.pay")
    foreign.sent("a", task="shop.pay")
    assert foreign.verdicts()[ROUTED].status is Status.VIOLATED
    assert foreign.history.watched_until_s >= 0.3


def test_its_history_can_be_judged_again_by_others(watch, tmp_path):
    foreign = watch(ENFORCES, bounds=PATIENT)
    foreign.sent("a", soft_s=0.1, hard_s=30)
    work(foreign, "start:a:", "end:a:soft_time_limit")
    foreign.history.settle("a", within_s=5)
    foreign.close()
    stored = History.load(tmp_path / "seen" / "history.jsonl")
    assert judge(find_contract(ENFORCES), stored).status is Status.HOLDS
    (again,) = rejudge(tmp_path / "seen")
    assert again.judged.verdicts[ENFORCES].status is Status.HOLDS


def test_a_contract_that_needs_more_is_refused(tmp_path):
    with pytest.raises(NotApplicable, match="needs api"):
        ForeignStack(tmp_path / "seen", "terminal.exactly-one")
    with pytest.raises(ContractError, match="time_limit"):
        ForeignStack(tmp_path / "seen", "time_limit.deployed-pool-enforce")
    with pytest.raises(ContractError, match="name the contracts"):
        ForeignStack(tmp_path / "seen")


def test_the_worker_needs_only_paths_that_are_there(watch):
    foreign = watch(ENFORCES)
    environment = foreign.environment(pythonpath="/theirs")
    first, second = environment["PYTHONPATH"].split(os.pathsep)
    assert second == "/theirs"
    assert Path(first, "sitecustomize.py").is_file()
    inside = {mount["bind"] for mount in foreign.volumes.values()}
    assert inside == set(foreign.volumes)
    told = {first, environment["QUEUEPROOF_LEDGER"]}
    assert inside == told
    assert foreign.ledger.stat().st_mode & 0o7777 == 0o1777
    written = [p for p, mount in foreign.volumes.items() if mount["mode"] == "rw"]
    assert written == [str(foreign.ledger)]
