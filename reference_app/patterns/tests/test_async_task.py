import asyncio
import os
import signal
import threading
from pathlib import Path

import pytest

from reference_app.patterns.async_task import LimitReached, run


class SoftLimit(Exception):
    """What Celery's own handler raises."""


@pytest.fixture
def celery_child():
    """What a prefork child does at start: its own handler for the soft limit."""

    def handler(number, frame):
        raise SoftLimit

    previous = signal.signal(signal.SIGUSR1, handler)
    yield
    assert signal.getsignal(signal.SIGUSR1) is handler
    signal.signal(signal.SIGUSR1, previous)


def hit_the_limit():
    os.kill(os.getpid(), signal.SIGUSR1)


def limit_in(seconds):
    asyncio.get_running_loop().call_later(seconds, hit_the_limit)


async def never():
    await asyncio.Event().wait()


def test_a_coroutine_returns_its_value():
    async def main():
        return 7

    assert run(main) == 7


def test_an_error_of_the_coroutine_passes():
    async def main():
        return {}["layer"]

    with pytest.raises(KeyError, match="layer"):
        run(main)


@pytest.mark.usefixtures("celery_child")
def test_at_the_limit_the_clean_up_runs_and_then_the_limit_is_raised():
    order = []

    async def main():
        limit_in(0.05)
        try:
            await never()
        except asyncio.CancelledError:
            order.append("except")
            raise
        finally:
            order.append("finally")

    with pytest.raises(SoftLimit):
        run(main)
    assert order == ["except", "finally"]


@pytest.mark.usefixtures("celery_child")
def test_a_loop_that_waits_for_a_socket_is_woken_up():
    async def main():
        threading.Timer(0.1, hit_the_limit).start()
        await never()  # no timer of the loop is due

    with pytest.raises(SoftLimit):
        run(main)


@pytest.mark.usefixtures("celery_child")
@pytest.mark.parametrize("made_of_it", ["a result", "another error"])
def test_a_limit_that_the_coroutine_swallows_is_a_limit(made_of_it):
    async def main():
        limit_in(0.01)
        try:
            await never()
        except asyncio.CancelledError:
            if made_of_it == "a result":
                return "partial"
            raise RuntimeError("lost")  # noqa: B904 what a library does

    with pytest.raises(SoftLimit) as caught:
        run(main)
    assert caught.value.__context__ is None


@pytest.mark.usefixtures("celery_child")
def test_a_second_signal_does_not_interrupt_the_clean_up():
    cleaned = []

    async def main():
        limit_in(0.01)
        try:
            await never()
        finally:
            hit_the_limit()
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(None, cleaned.append, "all")

    with pytest.raises(SoftLimit):
        run(main)
    assert cleaned == ["all"]


@pytest.mark.usefixtures("celery_child")
def test_a_limit_before_the_loop_runs_keeps_the_coroutine_from_starting(monkeypatch):
    runner = asyncio.Runner

    def late_runner():
        hit_the_limit()
        return runner()

    monkeypatch.setattr(asyncio, "Runner", late_runner)
    with pytest.raises(SoftLimit):
        run(lambda: pytest.fail("it ran"))


@pytest.mark.usefixtures("celery_child")
def test_a_limit_while_the_loop_closes_undoes_nothing():
    closing = []

    async def background():
        try:
            await never()
        finally:
            closing.append(True)
            hit_the_limit()

    async def main():
        task = asyncio.create_task(background())
        await asyncio.wait([task], timeout=0.01)
        return "done"

    assert run(main) == "done"
    assert closing


def test_without_anybodys_handler_the_limit_has_a_name():
    async def main():
        limit_in(0.01)
        await never()

    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL
    with pytest.raises(LimitReached):
        run(main)
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL


def test_nothing_is_left_for_the_next_job():
    async def main():
        task = asyncio.create_task(never())
        await asyncio.get_running_loop().run_in_executor(None, os.getpid)
        raise RuntimeError(f"failed while {task} waits")

    def descriptors():
        return len(list(Path("/proc/self/fd").iterdir()))

    before = descriptors(), threading.active_count()
    for _ in range(30):
        with pytest.raises(RuntimeError, match="failed"):
            run(main)
    assert (descriptors(), threading.active_count()) == before


def test_in_another_thread_it_runs_without_a_limit():
    found = []

    async def main():
        return "done"

    thread = threading.Thread(target=lambda: found.append(run(main)))
    thread.start()
    thread.join(10)
    assert found == ["done"]


def test_inside_a_running_loop_it_is_refused():
    async def main():
        run(never)

    with pytest.raises(RuntimeError, match="await the coroutine here"):
        run(main)


APP = """
import asyncio
from reference_app.patterns.async_task import run

async def wait(seconds):
    client.ping()
    try:
        await asyncio.wait_for(asyncio.Event().wait(), seconds)
    except TimeoutError:
        return "waited"
    finally:
        note("cleaned", os.getpid(), len(os.listdir("/proc/self/fd")))

@app.task(name="job", soft_time_limit=1, time_limit=20)
def job(seconds):
    note(run(lambda: wait(seconds)), "")
"""


@pytest.mark.real
def test_in_a_worker_the_next_job_of_the_same_child_finds_nothing(workers):
    workers.define(APP)
    workers.start()
    workers.send("job", 0.1, job_id="a")
    first = workers.next_note()
    assert workers.next_note() == "waited "
    for number in range(3):
        workers.send("job", 15, job_id=f"late-{number}")
        # The same child, the same descriptors; and nothing was returned.
        assert workers.next_note(within_s=10) == first
    workers.send("job", 0.1, job_id="b")
    assert workers.next_note() == first
    assert workers.next_note() == "waited "
