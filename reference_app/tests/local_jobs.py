"""Job functions for the tests of the local path, imported by its child processes."""

import asyncio
import os
import signal
import subprocess
import threading

from reference_app import endings

TRANSIENT = (ConnectionError,)


def quick(request, ctx):
    ctx.report(0, "Initializing")
    ctx.report(50, "half of it", force=True)
    return {"pid": os.getpid(), "n": request.get("n")}


def patient(request, ctx):
    """Work until somebody ends it, and ask whether it is wanted."""
    ctx.report(10, "working", force=True)
    while True:
        ctx.check_cancelled()
        threading.Event().wait(0.02)


def stubborn(request, ctx):
    """Hear neither a wish nor SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ctx.report(10, "working", force=True)
    while True:
        try:
            threading.Event().wait(0.02)
        except Exception:  # noqa: BLE001 that is what it is about
            continue


def keeper(request, ctx):
    """Freeze in the middle of a transaction, as a process may that is paused."""
    if ctx.attempt > 1:
        return {}
    with endings.store().engine.begin() as connection:
        connection.exec_driver_sql("UPDATE jobs SET attempt = attempt")
        os.kill(os.getpid(), signal.SIGSTOP)
    return {}


def suicidal(request, ctx):
    ctx.report(10, "working", force=True)
    os.kill(os.getpid(), signal.SIGKILL)


def starter(request, ctx):
    """Leave a program behind, of which the user gets the pid."""
    return {"pid": subprocess.Popen(["sleep", "600"]).pid}


def faulty(request, ctx):
    raise KeyError("layer 7")


def flaky(request, ctx):
    """Work at the second attempt."""
    if ctx.attempt == 1:
        raise ConnectionError("refused")
    return {"attempt": ctx.attempt}


async def limited(request, ctx):
    """Wait until the soft limit, which comes at once, and clean up."""
    try:
        os.kill(os.getpid(), signal.SIGUSR1)
        await asyncio.Event().wait()
    finally:
        ctx.mark("closed what it had opened")
