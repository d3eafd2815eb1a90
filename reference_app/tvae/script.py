"""The job function that trains in an external process and reads what it prints.

A coroutine, since it mostly waits: called by patterns/async_task.py.

The command is GAN_TRAIN_COMMAND; it gets the request as options and is to leave the
machine's model where the built-in training would. Promise: output is read as it comes,
a line that says nothing costs nothing, and the process is gone with everything it
started when the job has ended, in any way, also by SIGKILL (see leash.py).
"""

import asyncio
import contextlib
import os
import shlex
import subprocess
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from reference_app.settings import settings
from reference_app.tvae import description, leash, machines, places
from reference_app.tvae.errors import ScriptFailed, TryLater
from reference_app.tvae.lines import Lines, parse
from reference_app.tvae.stages import Context, tell, tell_epoch

#: What the script runs on; it is gone before the place is given back.
DEVICE = "gpu0"

#: After these another attempt is worth while.
TRANSIENT = (TryLater,)

#: Seconds between two looks whether the job is still wanted, while nothing is printed.
LOOK_S = 0.1
#: Last lines that a failure shows.
SHOWN = 3


async def train(request: Mapping[str, Any], ctx: Context) -> dict[str, Any]:
    """Train the machine's model by the script.

    Raises:
        TryLater: it ended with 75 (EX_TEMPFAIL), as programs do to be tried again.
        ScriptFailed: it ended with an error, or left no new model.
    """
    machine_id, epochs = request["machine_id"], request["epochs"]
    machines.find(machine_id)
    started_s = time.monotonic()
    tell(ctx, machine_id, 0, "initializing", "Starting", current=0, total=epochs)
    last = deque[str](maxlen=SHOWN)
    told = 0
    with _marked(ctx), _running(_command(request, ctx.job_id), ctx.attempt) as process:
        async with contextlib.aclosing(_lines(process, ctx)) as lines:
            async for line in lines:
                last.append(line)
                said = parse(line)
                if said is None:
                    continue
                epoch = said.epoch
                if epoch is None:
                    epoch = round(epochs * (said.percent or 0) / 100)
                # A script says it per epoch, or twice; a subscriber wants every tenth.
                if told < epoch <= epochs and epoch % request["progress_every"] == 0:
                    tell_epoch(ctx, machine_id, epoch, epochs, said.loss)
                    told = epoch
        while (code := process.poll()) is None:
            # It has closed its output and goes on.
            ctx.check_cancelled()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await asyncio.Event().wait()
    shown = " | ".join(last) or "it printed nothing"
    if code == os.EX_TEMPFAIL:
        raise TryLater(f"The training script wants to be tried again: {shown}.")
    if code:
        raise ScriptFailed(f"The training script ended with {code}: {shown}")
    model = places.of(machine_id).model
    about = description.read(model)
    if about.get("job_id") != ctx.job_id:
        raise ScriptFailed(f"The training script left no model of job {ctx.job_id}.")
    return {
        "machine_id": machine_id,
        "epochs_completed": about["epochs"],
        "model_path": str(model / description.NAME),
        "training_time_seconds": round(time.monotonic() - started_s, 3),
        "final_loss": about["losses"][-1],
    }


def _command(request: Mapping[str, Any], job_id: str) -> list[str]:
    template = shlex.split(settings().gan_train_command)
    options = {
        "--machine-id": request["machine_id"],
        "--epochs": request["epochs"],
        "--seed": request["seed"],
        "--job-id": job_id,
        "--progress-every": request["progress_every"],
    }
    if "retry_of" in request:
        options["--retry-of"] = request["retry_of"]
    return [
        *(sys.executable if each == "{python}" else each for each in template),
        *(str(word) for option in options.items() for word in option),
    ]


@contextlib.contextmanager
def _marked(ctx: Context) -> Iterator[None]:
    """Tell that the coroutine's own clean-up ran, also at a limit or a cancel."""
    try:
        yield
    finally:
        ctx.mark("coroutine cleanup")


@contextlib.contextmanager
def _running(command: list[str], attempt: int) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", leash.__file__, *command],
        stdin=subprocess.PIPE,  # the leash: it kills when this closes
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        env=os.environ | {"PYTHONUNBUFFERED": "1", "JOB_ATTEMPT": str(attempt)},
        start_new_session=True,  # what stops us must leave it time to kill
    )
    with process:  # at the end both pipes are closed, and the process is waited for
        yield process


async def _lines(process: subprocess.Popen[bytes], ctx: Context) -> AsyncIterator[str]:
    """Yield the lines as they come, and ask now and then whether to go on."""
    output, lines = asyncio.StreamReader(), Lines()
    pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(output), process.stdout
    )
    with contextlib.closing(pipe):
        while True:
            ctx.check_cancelled()
            try:
                async with asyncio.timeout(LOOK_S):
                    chunk = await output.read(65_536)
            except TimeoutError:
                if process.poll() is not None:
                    break  # somebody killed the leash; others may hold the pipe
                continue
            if not chunk:
                break
            for line in lines.feed(chunk):
                yield line
        for line in lines.end():
            yield line
