"""The job function that trains in an external process and reads what it prints.

The command is GAN_TRAIN_COMMAND; it gets the request as options and is to leave the
machine's model where the built-in training would. Promise: output is read as it comes,
a line that says nothing costs nothing, and the process is gone with everything it
started when the job has ended, in any way, also by SIGKILL (see leash.py).
"""

import contextlib
import os
import selectors
import shlex
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from reference_app.settings import settings
from reference_app.tvae import description, leash, machines, places
from reference_app.tvae.errors import ScriptFailed
from reference_app.tvae.lines import Lines, parse
from reference_app.tvae.stages import Context, tell, tell_epoch

#: Seconds between two looks whether the job is still wanted, while nothing is printed.
LOOK_S = 0.1
#: Last lines that a failure shows.
SHOWN = 3


def train(request: Mapping[str, Any], ctx: Context) -> dict[str, Any]:
    """Train the machine's model by the script.

    Raises:
        ScriptFailed: it ended with an error, or left no new model.
    """
    machine_id, epochs = request["machine_id"], request["epochs"]
    machines.find(machine_id)
    started_s = time.monotonic()
    tell(ctx, machine_id, 0, "initializing", "Starting", current=0, total=epochs)
    last = deque[str](maxlen=SHOWN)
    told = 0
    with _running(_command(request, ctx.job_id)) as process:
        for line in _lines(process, ctx):
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
        code = process.wait()
    if code:
        shown = " | ".join(last) or "it printed nothing"
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
def _running(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", leash.__file__, *command],
        stdin=subprocess.PIPE,  # the leash: it kills when this closes
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        start_new_session=True,  # what stops us must leave it time to kill
    )
    with process:  # at the end both pipes are closed, and the process is waited for
        yield process


def _lines(process: subprocess.Popen[bytes], ctx: Context) -> Iterator[str]:
    """Yield the lines as they come, and ask now and then whether to go on."""
    output, lines = process.stdout, Lines()
    assert output is not None
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while True:
            ctx.check_cancelled()
            if not selector.select(LOOK_S):
                if process.poll() is not None:
                    break  # somebody killed the leash; others may hold the pipe
                continue
            chunk = os.read(output.fileno(), 65_536)
            if not chunk:
                break
            yield from lines.feed(chunk)
    yield from lines.end()
