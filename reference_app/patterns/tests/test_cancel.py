import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from reference_app.patterns.cancel import (
    CancelCheck,
    Cancelled,
    Escalation,
    process_start,
)

STUBBORN = """
import signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
sys.stdin.read()
"""


@contextmanager
def child(code):
    command = [sys.executable, "-c", code]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as process:
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def test_a_wish_is_seen_and_stays():
    asked = iter([False, True])
    check = CancelCheck(lambda: next(asked), every_s=0).check
    check()
    for _ in range(3):
        with pytest.raises(Cancelled):
            check()


def test_the_question_is_throttled():
    asked, now_s = [], [0.0]
    cancel = CancelCheck(
        lambda: bool(asked.append(1)), every_s=0.2, clock=lambda: now_s[0]
    )
    for _ in range(100):
        cancel.check()
        now_s[0] += 0.01
    assert 5 <= len(asked) <= 6


def test_a_broad_handler_does_not_swallow_the_cancel():
    def job():
        try:
            CancelCheck(lambda: True).check()
        except Exception:  # noqa: BLE001 the subject
            return "finished"

    with pytest.raises(Cancelled):
        job()


def test_a_process_that_obeys_gets_only_sigterm():
    with child("import sys; print(flush=True); sys.stdin.read()") as process:
        escalation = Escalation(process.pid, term_after_s=1, kill_after_s=2)
        assert escalation.step(0.5) is None
        assert escalation.step(1.0) is signal.SIGTERM
        assert process.wait(10) == -signal.SIGTERM
        assert escalation.gone
        assert escalation.step(2.0) is None


def test_a_process_that_ignores_sigterm_is_killed():
    with child(STUBBORN) as process:
        escalation = Escalation(process.pid, term_after_s=1, kill_after_s=2)
        assert escalation.step(1.1) is signal.SIGTERM
        assert escalation.step(1.9) is None
        assert not escalation.gone
        assert escalation.step(2.1) is signal.SIGKILL
        assert process.wait(10) == -signal.SIGKILL
        assert escalation.gone


def test_a_late_look_sends_only_the_stronger_signal():
    sent = []
    with child(STUBBORN) as process:
        escalation = Escalation(process.pid, send=lambda pid, sig: sent.append(sig))
        assert escalation.step(60) is signal.SIGKILL
    assert sent == [signal.SIGKILL]


def test_a_pid_that_was_given_away_is_not_hit():
    with child(STUBBORN) as process:
        escalation = Escalation(process.pid, send=lambda *_: pytest.fail("hit"))
        escalation.started = (escalation.started or 0) - 1  # another process, earlier
        assert escalation.gone
        assert escalation.step(60) is None


def test_a_zombie_is_gone():
    process = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    process.stdout.read()  # end of file: it is exiting
    escalation = Escalation(process.pid)
    process.wait(10)
    process.stdout.close()
    assert escalation.gone
    assert process_start(process.pid) is None
