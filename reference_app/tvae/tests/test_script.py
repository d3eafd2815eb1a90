import contextlib
import os
import shlex
import signal
import subprocess
import sys
import threading

import psutil
import pytest

from reference_app.patterns import async_task
from reference_app.tvae import description, script, work
from reference_app.tvae.errors import NoModel, ScriptFailed, TryLater

WITHIN_S = 60


class Cancelled(BaseException):
    pass


def train(request, ctx):
    return async_task.run(lambda: script.train(request, ctx))


@pytest.fixture
def use(configured, tmp_path):
    """Train by a Python program of these lines."""

    def write(*lines):
        program = tmp_path / "program.py"
        program.write_text("import os, subprocess, sys, time\n" + "\n".join(lines))
        configured(GAN_TRAIN_COMMAND=shlex.join(["{python}", str(program)]))

    return write


#: Seconds that only these tests' processes sleep: others do at the same time.
LONG = f"600.{os.getpid():07d}"

#: A process, and a daemon of it that left its session and its parent.
FAMILY = (
    f"subprocess.Popen(['sleep', '{LONG}'])",
    f"subprocess.run(['sh', '-c', 'setsid sleep {LONG} &'])",
    "print('Epoch 2/6, Loss: -1.5')",
)


def sleepers():
    """The processes of FAMILY, whoever is their parent."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        info = process.info
        if info["cmdline"] == ["sleep", LONG] and info["status"] != "zombie":
            found.append(process.pid)
    return found


def until(condition, what):
    pause, left = threading.Event(), int(WITHIN_S / 0.05)
    while not condition():
        left -= 1
        assert left, f"not within {WITHIN_S} s: {what}"
        pause.wait(0.05)


@pytest.fixture
def nobody_sleeps():
    assert sleepers() == []
    yield
    for pid in sleepers():  # of a test that failed
        os.kill(pid, signal.SIGKILL)
    until(lambda: sleepers() == [], "they are gone")


def test_the_script_trains_the_same_model_as_the_worker_itself(
    training_request, new_context, place
):
    work.train(training_request(), new_context("in-the-worker"))
    losses = description.read(place.model)["losses"]
    ctx = new_context("by-script")
    result = train(training_request(), ctx)
    about = description.read(place.model)
    assert (about["job_id"], about["losses"]) == ("by-script", losses)
    assert [data.get("epoch") for *_, data in ctx.reports] == [None, 2, 4, 6]
    assert ctx.reports[-1][2]["loss"] == pytest.approx(losses[-1], abs=1e-4)
    assert (result["epochs_completed"], result["final_loss"]) == (6, losses[-1])


@pytest.mark.feature("S3-09")
def test_odd_lines_are_no_progress_and_no_error(training_request, new_context, use):
    use(
        "print('Epoch 2/6, Loss: -3.5')",
        "sys.stdout.buffer.write(b'\\xff\\xfe\\n')",
        "print('Epoch 2/6, Loss: -3.5')",  # twice
        "print('67%')",
        "print('Epoch 1/6, Loss: 9')",  # back
        "print('Epoch 5000/6, Loss: 9')",
        "print('x' * 1_000_000)",
        "print('Epoch 6/6, Loss: nan', end='')",
    )
    ctx = new_context()
    with pytest.raises(NoModel):
        train(training_request(), ctx)
    told = [(data["epoch"], data["loss"]) for *_, data in ctx.reports[1:]]
    assert told == [(2, -3.5), (4, None), (6, None)]


def test_lines_arrive_while_the_script_still_runs(training_request, new_context, use):
    use("print('Epoch 2/6, Loss: 1')", "time.sleep(600)")
    heard = []

    class Enough(Exception):
        pass

    class Listening(new_context):
        def report(self, percent, message, **data):
            heard.append(message)
            if message.startswith("Epoch"):
                raise Enough

    with pytest.raises(Enough):
        train(training_request(), Listening())
    assert heard[-1] == "Epoch 2/6, Loss: 1.0000"


def test_a_script_that_fails_is_told_with_its_last_words(
    training_request, new_context, use
):
    use("print('Epoch 2/6')", "sys.exit('no such GPU: 7')")
    with pytest.raises(
        ScriptFailed, match=r"ended with 1: Epoch 2/6 \| no such GPU: 7"
    ):
        train(training_request(), new_context())


def test_a_script_that_asks_for_it_is_worth_another_attempt(
    training_request, new_context, use
):
    use("print('no light'); sys.exit(75)")
    with pytest.raises(TryLater, match="no light") as told:
        train(training_request(), new_context())
    assert isinstance(told.value, script.TRANSIENT)


def test_a_script_that_closes_its_output_can_still_be_cancelled(
    training_request, new_context, use
):
    use("print('Epoch 2/6')", "os.close(1); os.close(2)", "time.sleep(600)")

    class Impatient(new_context):
        def check_cancelled(self):
            if len(self.reports) == 2:
                self.checks += 1
            if self.checks > 5:
                raise Cancelled

    with pytest.raises(Cancelled):
        train(training_request(), Impatient())


def test_a_script_that_leaves_no_model_of_this_job_has_failed(
    training_request, new_context, use
):
    work.train(training_request(epochs=1), new_context("before"))
    use("print('done')")
    with pytest.raises(ScriptFailed, match="left no model of job now"):
        train(training_request(), new_context("now"))


@pytest.mark.usefixtures("nobody_sleeps")
def test_a_cancelled_job_leaves_no_process(training_request, new_context, use):
    use(*FAMILY, "time.sleep(600)")

    class Unwanted(new_context):
        def check_cancelled(self):
            if len(self.reports) == 2:
                # The shell that starts the daemon does not wait until it sleeps.
                until(lambda: len(sleepers()) == 2, "the script has its family")
                raise Cancelled

    with pytest.raises(Cancelled):
        train(training_request(), Unwanted())
    assert sleepers() == []


@pytest.mark.usefixtures("nobody_sleeps")
def test_a_script_that_ends_leaves_no_process_either(
    training_request, new_context, use
):
    use(*FAMILY, "sys.exit(3)")
    with pytest.raises(ScriptFailed, match="ended with 3"):
        train(training_request(), new_context())
    assert sleepers() == []


@pytest.fixture
def job(training_request, use):
    """A process whose job trains by a script that never ends, and its leash."""
    use(*FAMILY, "time.sleep(600)")
    code = (
        "import asyncio\n"
        "from reference_app.tvae import script\n"
        "class Context:\n"
        "    job_id, attempt = 'killed', 1\n"
        "    report = check_cancelled = mark = lambda *_, **__: None\n"
        f"asyncio.run(script.train({training_request()!r}, Context()))\n"
    )
    process = psutil.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL)
    try:
        until(lambda: len(sleepers()) == 2, "the script has started its family")
        yield process
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
        process.wait()


@pytest.mark.usefixtures("nobody_sleeps")
def test_a_job_that_is_killed_leaves_no_process(job):
    (leash,) = job.children()
    job.kill()
    until(lambda: sleepers() == [], "the family is gone")
    until(lambda: not leash.is_running(), "the leash is gone")


@pytest.mark.usefixtures("nobody_sleeps")
def test_a_job_whose_leash_is_killed_fails_and_its_script_dies(job):
    (leash,) = job.children()
    (command,) = [
        each for each in leash.children() if "program.py" in str(each.cmdline())
    ]
    leash.kill()
    assert job.wait(WITHIN_S) == 1
    until(lambda: not command.is_running(), "the script is gone")
