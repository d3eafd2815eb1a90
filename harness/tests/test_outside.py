"""A stranger's application that reaches for a service of its own, in a real stack."""

import dataclasses

import pytest

from harness.contract import find_contract
from harness.errors import OutsideStack
from harness.history import History
from harness.judge import judge
from harness.launch import Launcher
from harness.outside import describe_refused
from harness.records import Follower
from harness.run import WRONG_USE
from harness.stack import Stack
from harness.target import Target
from harness.tests.conftest import APPS
from harness.verdict import Status

APP = Target("outside:app", pythonpath=(APPS,), queues=("celery",))


def test_a_connection_from_a_task_is_refused_and_told(process_engine, tmp_path):
    stack = Stack(APP, process_engine, tmp_path).start()
    history = History()
    history.collect_from(Follower(stack.layout.ledger, "ledger"))
    queue = stack.probe_worker().queue()
    try:
        jobs = [
            stack.agent.send(f"outside.{name}", queue=queue)
            for name in ("sync", "asynchronous")
        ]
        for job in jobs:
            history.until(job, "ledger.end", within_s=20)
        states = [stack.agent.state(job)["result"] for job in jobs]
    finally:
        stack.stop()

    told = history.of(source="ledger", kind="refused")
    assert [(o["part"], o["host"], o["port"]) for o in told] == [
        ("probe-0", "224.0.0.99", 5432)
    ] * 2
    assert [o["site"].partition(":")[0] for o in told] == ["outside.py"] * 2
    for o, state in zip(told, states, strict=True):
        assert f"probe-0 tried to reach 224.0.0.99:5432 from {o['site']}" in state
    law = find_contract("time_limit.deployed-pool-enforces")
    verdict = judge(law, history, {})
    assert verdict.status is Status.INCONCLUSIVE
    assert "probe-0 tried to reach" in verdict.summary


def test_a_connection_at_the_start_is_the_error_of_the_start(process_engine, tmp_path):
    target = dataclasses.replace(APP, env={"OUTSIDE_AT_IMPORT": "1"})

    with pytest.raises(
        OutsideStack, match=r"agent tried to reach 224.0.0.99:5432 from outside.py:\d+"
    ) as caught:
        Stack(target, process_engine, tmp_path).start()

    assert 'allow_hosts = ["224.0.0.99"]' in str(caught.value)
    assert isinstance(caught.value, WRONG_USE)


def test_an_allowed_host_is_not_refused(process_engine, tmp_path):
    """The connection itself fails; only the kernel says so now."""
    target = dataclasses.replace(
        APP, env={"OUTSIDE_AT_IMPORT": "1"}, allow_hosts=("224.0.0.0/4",)
    )

    with pytest.raises(Exception, match="Network is unreachable"):
        Stack(target, process_engine, tmp_path).start()


def test_every_part_of_a_stack_is_guarded_also_without_the_witness(plain_stack):
    control = Launcher(
        APP, plain_stack.urls, plain_stack.layout, mutant=None, witness=False
    )
    for command in (
        plain_stack.process("worker").command,
        plain_stack.process("agent").command,
        control.agent(),
    ):
        first, *_ = command.env["PYTHONPATH"].split(":")
        assert first.endswith("witness_site")
        assert command.env["QUEUEPROOF_PART"] == command.role
        assert command.env["QUEUEPROOF_ALLOWED_HOSTS"] == "127.0.0.1"


def test_the_sentence_names_the_host_as_it_was_looked_up():
    line = {"part": "worker", "host": "10.1.2.3", "port": 5432, "site": "shop/db.py:12"}

    assert describe_refused(line).startswith(
        "worker tried to reach 10.1.2.3:5432 from shop/db.py:12: refused"
    )
    named = describe_refused({**line, "name": "db.internal"})
    assert "10.1.2.3:5432 (db.internal) from" in named
    assert 'allow_hosts = ["db.internal"]' in named
