"""`queueproof check` on eight applications it has never seen: three right, five wrong.

Each is performed once, whole, by the command itself. Every violation that is not the
one an application was written for is listed here with its reason: another one fails the
test.
"""

import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.stack import Stack
from harness.target_table import from_table
from harness.tests.conftest import APPS
from harness.wait import wait_until

COMMAND = (sys.executable, "-m", "harness.cli", "check")

#: Seconds a check may take; typically 60, four at a time on two busy cores 100.
CHECK_WITHIN_S = 400

#: Seconds until the first verdict of a check that has a core to itself: 5.
FIRST_VERDICT_WITHIN_S = 20.0


@dataclass(frozen=True)
class Shape:
    """An application: its folder, how it is told, and what it does by itself."""

    folder: str
    words: tuple[str, ...]
    sends: tuple[tuple[str, list[object]], ...] = ()
    command: str = "{python} -m celery -A {app} worker"

    @property
    def path(self) -> Path:
        return APPS / self.folder

    @property
    def where(self) -> tuple[str, str]:
        return ("--chdir", str(self.path))


RIGHT = {
    # A package, settings as Django has them, tasks found by autodiscovery.
    "bookshop": Shape(
        "bookshop",
        ("bookshop.celery:app",),
        (
            ("bookshop.orders.tasks.total", [[1, 2]]),
            ("bookshop.orders.tasks.refuse", [7]),
        ),
    ),
    # A factory function, the broker's address in the source, `python run.py worker`.
    "newsroom": Shape(
        "newsroom",
        ("newsroom:app", "--command", "{python} run.py worker"),
        (("newsroom.publish", ["rain"]), ("newsroom.develop", ["sea", "much"])),
        "{python} run.py worker",
    ),
    # Flask's factory, tasks in its context, results ignored.
    "gallery": Shape(
        "gallery", ("make_celery:app",), (("gallery.tasks.hang", ["boats"]),)
    ),
}


@dataclass(frozen=True)
class Wrong:
    """What an application was written to violate, and what else it does, with why."""

    contract: str
    also: dict[str, str] = field(default_factory=dict)


LOST = "delivery.lost-worker-is-noticed"
EARLY_ACK = {
    LOST: "early ack, and nothing looks for jobs whose worker is gone: what ran when "
    "it was killed stays started for ever"
}
NOT_RECONNECTED = {
    "broker.consumes-again": "no fix like that of the right ones: Celery 5.7 can die "
    "of a lost connection while it holds a message, and early ack gives one up only a "
    "moment after its task has started, so it is a race"
}

WRONG = {
    "solo": Wrong(
        "time_limit.deployed-pool-enforces",
        NOT_RECONNECTED
        | EARLY_ACK
        | {
            "time_limit.native-code-is-killed": "the same cause: there is no child "
            "that could be killed at the hard limit",
            "cancel.queued-never-starts": "it hears of a revoke only between two "
            "tasks, and takes the next one first, a race",
            "delivery.poison-is-bounded": "the process that a task kills is the worker "
            "itself, so nobody is left to report it",
        },
    ),
    "unserved": Wrong("routing.every-task-has-a-worker", NOT_RECONNECTED | EARLY_ACK),
    "poison_loop": Wrong(
        "delivery.poison-is-bounded",
        NOT_RECONNECTED
        | {LOST: "its messages come back after 60 s, and it promises to notice in 5"},
    ),
    "seen_twice": Wrong(
        "delivery.long-job-runs-once",
        NOT_RECONNECTED
        | {
            "delivery.reserved-runs-once": "the same cause: a message held for longer "
            "than 4 s comes back, reserved or running"
        },
    ),
    "swallows": Wrong(
        "time_limit.soft-limit-is-not-swallowed", NOT_RECONNECTED | EARLY_ACK
    ),
}


def perform(folder, *words):
    """Run the command; return its exit code, its JSON and what it told meanwhile."""
    folder.mkdir()
    done = subprocess.run(
        [*COMMAND, *words, "--run-dir", str(folder / "run"), "--json"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=CHECK_WITHIN_S,
        check=False,
    )
    return done.returncode, json.loads(done.stdout or "null"), done.stderr


@pytest.fixture(scope="module", autouse=True)
def untouched():
    """No file of any application is changed, added or removed by all of this.

    Compiled modules count, too: the check tells Python to write none.
    """
    folders = [*(app.folder for app in RIGHT.values()), "wrong"]
    before = {folder: content(APPS / folder) for folder in folders}
    yield
    after = {folder: content(APPS / folder) for folder in folders}
    assert after == before


def content(folder):
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def statuses(report):
    return {id: entry["status"] for id, entry in report["contracts"].items()}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_application_keeps_every_promise_it_can_be_asked(name, tmp_path):
    app = RIGHT[name]
    code, report, told = perform(tmp_path / name, *app.words, *app.where)
    assert report is not None, told
    bad = {id: s for id, s in statuses(report).items() if s != "holds"}
    assert (code, bad, report["errors"]) == (0, {}, []), told
    assert report["not_applicable"].keys().isdisjoint(report["contracts"])


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_application_violates_what_it_was_written_to(name, tmp_path):
    target = APPS / "wrong" / f"{name}.toml"
    code, report, told = perform(tmp_path / name, "--target", str(target))
    assert report is not None, told
    expected = WRONG[name]
    bad = {id: s for id, s in statuses(report).items() if s != "holds"}
    assert bad.get(expected.contract) == "violated", told
    assert code == 1
    assert bad.keys() - {expected.contract} <= expected.also.keys(), told


@pytest.mark.parametrize("name", RIGHT)
def test_the_first_verdict_comes_soon(name, tmp_path):
    app = RIGHT[name]
    words = [*app.words, *app.where, "--only", "routing"]
    code, report, told = perform(tmp_path / name, *words)
    assert code == 0, told
    assert 0 < report["first_verdict_s"] <= FIRST_VERDICT_WITHIN_S


@pytest.mark.parametrize("name", RIGHT)
def test_without_the_witness_the_same_tasks_end_the_same(
    name, process_engine, tmp_path
):
    app = RIGHT[name]
    table = {
        "app": app.words[0],
        "chdir": ".",
        "commands": {"worker": app.command},
        "env": {"PYTHONDONTWRITEBYTECODE": "1"},
    }
    target = from_table(table, app.path)

    def ends(witness):
        stack = Stack(target, process_engine, tmp_path, witness=witness).start()
        try:
            return [end_of(stack, task, args) for task, args in app.sends]
        finally:
            stack.stop()

    with_witness = ends(witness=True)
    assert ends(witness=False) == with_witness
    assert {end["state"] for end in with_witness} <= {"SUCCESS", "FAILURE"}


def end_of(stack, task, args):
    job = stack.agent.send(task, tuple(args))
    ended = ("SUCCESS", "FAILURE", "REVOKED")
    return wait_until(
        lambda: (seen := stack.agent.state(job))["state"] in ended and seen,
        within_s=20,
        what=f"{task} has ended",
    )
