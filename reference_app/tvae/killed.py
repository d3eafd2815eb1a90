"""Trains twice through the whole application, and kills the process of the second one.

Redis, API, worker and beat run in a folder of their own. The process that trains gets
SIGKILL after its first checkpoint; the job's second attempt is left to the application.
"""

import json
import os
import signal
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from reference_app import demo
from reference_app.jobs import Jobs
from reference_app.tvae import places
from reference_app.tvae.demo import frames_of

#: Long enough to be hit in the middle.
ROWS, EPOCHS = 2_000, 120
#: Seconds of training between two checkpoints.
CHECKPOINT_S = 1.0
#: Seconds for all of it; typically 30.
WITHIN_S = 180.0


class Trained(NamedTuple):
    """How one training ended."""

    attempt: int
    resumed_from: int  #: epochs that its last attempt found done
    losses: list[float]  #: of every epoch


def undisturbed_and_killed(machine_id: str, seed: int) -> tuple[Trained, Trained]:
    """Return how a training nobody disturbed ended, and one that was killed.

    Raises:
        reference_app.demo.DemoFailed: one of them did not end, or not well.
    """
    with tempfile.TemporaryDirectory(prefix="queueproof-killed-") as name:
        folder = Path(name)
        settings = {"GAN_CHECKPOINT_INTERVAL": CHECKPOINT_S}
        with demo.processes(folder, **settings) as port:
            site = _Site(folder, port, machine_id, time.monotonic() + WITHIN_S)
            site.run("seed", {"samples": ROWS, "seed": seed})
            order = {"epochs": EPOCHS, "seed": seed, "progress_every": 1}
            return site.train(order, kill=False), site.train(order, kill=True)


class _Site:
    def __init__(
        self, folder: Path, port: int, machine_id: str, deadline_s: float
    ) -> None:
        self._address, self._deadline_s = f"127.0.0.1:{port}", deadline_s
        self._http = httpx.Client(base_url=f"http://{self._address}", timeout=10)
        self._jobs = Jobs(f"sqlite:///{folder / 'jobs.db'}")
        self._machine_id, self._place = machine_id, places.of(machine_id, folder)
        demo.wait_for_api(self._http, deadline_s)

    def train(self, order: dict[str, Any], *, kill: bool) -> Trained:
        ended = self.run("train", order, kill=kill)
        result = ended["result"]
        about = json.loads(Path(result["model_path"]).read_text())
        return Trained(ended["attempt"], result["resumed_from_epoch"], about["losses"])

    def run(
        self, what: str, order: dict[str, Any], *, kill: bool = False
    ) -> dict[str, Any]:
        path = f"/api/gan/machines/{self._machine_id}/{what}"
        answer = self._http.post(path, json=order).raise_for_status().json()
        task_id = answer["task_id"]
        for _ in frames_of(self._address, answer["websocket_url"], self._deadline_s):
            if kill and self._place.checkpoint(task_id).exists():
                self._kill(task_id)
                kill = False
        status = self._http.get(answer["status_url"]).raise_for_status().json()
        if status["status"] != "success" or kill:
            raise demo.DemoFailed(f"Killed too late, or not completed: {status}")
        ended: dict[str, Any] = status
        return ended

    def _kill(self, task_id: str) -> None:
        job = self._jobs.get(task_id)
        if job is None or job.pid is None:
            raise demo.DemoFailed(f"Nobody knows the process of {task_id}.")
        os.kill(job.pid, signal.SIGKILL)
