"""One comparison from submit to result, with Redis, API, worker and beat around it.

Everything runs on loopback in a folder of its own, is stopped by pid, and is over
within TOTAL_S whatever happens.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from reference_app import embedded_redis, watching

#: Seconds for the whole demonstration; typically 15, most of it importing torch.
TOTAL_S = 45.0

#: Seconds a process gets between SIGTERM and SIGKILL.
STOP_S = 4.0

console = Console()


class DemoFailed(Exception):
    """The demonstration could not be shown; the message says what did not happen."""


FAILURES = (
    DemoFailed,
    embedded_redis.NoRedisServer,
    httpx.HTTPError,
    watching.NoEnding,
)


def main() -> int:
    """Show it; return the exit code: 0 shown, 1 failed, 130 interrupted."""
    return run(_show, TOTAL_S)


def run(show: Callable[[int, float], None], total_s: float, **settings: object) -> int:
    """Call `show` with the port of a running API and a deadline; see `main`."""
    deadline_s = time.monotonic() + total_s
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="queueproof-demo-") as name:
        folder = Path(name)
        try:
            with processes(folder, **settings) as port:
                show(port, deadline_s)
        except KeyboardInterrupt:
            console.print("Stopped.")
            return 130
        except FAILURES as error:
            console.print(f"[red]{escape(str(error))}[/red]")
            print_logs(folder)
            return 1
    return 0


@contextlib.contextmanager
def processes(folder: Path, **settings: object) -> Iterator[int]:
    """Run the four processes, with these settings; yield the port of the API."""
    with contextlib.ExitStack() as running:
        redis_port = running.enter_context(embedded_redis.running(folder))
        api_port = embedded_redis.free_port()
        redis_url = f"redis://127.0.0.1:{redis_port}"
        environment = os.environ | {
            "CELERY_BROKER_URL": f"{redis_url}/0",
            "CELERY_RESULT_BACKEND": f"{redis_url}/1",
            "EVENTS_URL": f"{redis_url}/2",
            "DATABASE_URL": f"sqlite:///{folder / 'jobs.db'}",
            "DATA_DIR": str(folder),
            "API_PORT": str(api_port),
            "JOURNAL_DIR": "",
            "OMP_NUM_THREADS": "1",
            **{name: str(value) for name, value in settings.items()},
        }
        for role in ("worker", "api", "beat"):
            running.enter_context(process(role, folder, environment))
        yield api_port


@contextlib.contextmanager
def process(role: str, folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """Run one process of the application, its output in a file of the folder."""
    with open(folder / f"{role}.log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "reference_app", role],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for us; we stop it in order
        )
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_S)


def _show(port: int, deadline_s: float) -> None:
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=url, timeout=10) as api:
        with console.status("Starting Redis, API, worker and beat ..."):
            wait_for_api(api, deadline_s)
        request = _request(api)
        console.print(f"POST /steering/compare  prompt: [b]{request['prompt']}[/b]")
        answer = (
            api.post("/api/v1/steering/compare", json=request).raise_for_status().json()
        )
        task_id, room = answer["task_id"], answer["websocket_channel"]
        console.print(f"{answer['status']}; events come in room {room}")
        ending = _follow(url, task_id, deadline_s)
        if ending.kind != "completed":
            error = ending.data.get("error")
            raise DemoFailed(f"The job ended {ending.kind}: {error}")
        result = api.get(f"/api/v1/steering/result/{task_id}").raise_for_status().json()
        _print_result(result["result"])


def wait_for_api(api: httpx.Client, deadline_s: float) -> None:
    """Return when the API answers; DemoFailed when it does not in time."""
    pause = threading.Event()
    while time.monotonic() < deadline_s:
        with contextlib.suppress(httpx.TransportError):
            if api.get("/api/v1/health").is_success:
                return
        pause.wait(0.1)
    raise DemoFailed("The API did not start in time.")


def _request(api: httpx.Client) -> dict[str, Any]:
    saes = api.get("/api/v1/steering/saes").raise_for_status().json()["saes"]
    if not saes:
        raise DemoFailed("There is no SAE under MODELS_DIR.")
    features = [feature["feature_idx"] for feature in saes[0]["features"][:2]]
    return {
        "sae_id": saes[0]["sae_id"],
        "prompt": "Once upon a time",
        "features": [
            {"feature_idx": index, "strengths": [0.5, 1.0]} for index in features or [0]
        ],
        "num_samples": 16,
        "seed": 7,
    }


def _follow(url: str, task_id: str, deadline_s: float) -> watching.Seen:
    """Draw the job's progress; return its terminal event."""
    columns = (
        TextColumn("{task.percentage:>3.0f} %"),
        BarColumn(),
        TextColumn("{task.description}"),
    )
    events = watching.watch(
        task_id,
        sockets=url,
        result=f"{url}/api/v1/steering/result/{task_id}",
        domain="steering",
        within_s=deadline_s - time.monotonic(),
    )
    with Progress(*columns, console=console) as bar:
        shown = bar.add_task("Waiting for the worker", total=100)
        for seen in events:
            seq = f"seq {seen.seq:>3}" if seen.seq is not None else "polled "
            bar.update(
                shown,
                completed=max(0, seen.data["percent"]),
                description=f"{seq}  {seen.data['message']}",
            )
    return seen


def _print_result(result: dict[str, Any]) -> None:
    rows = [("baseline", "", result["baseline"])]
    for steered in result["steered"]:
        name = steered["label"] or f"feature {steered['feature_idx']}"
        rows.append((name, f"{steered['strength']:g}", steered))
    names = ["perplexity", "mean_activation"]
    table = Table(title=f"{result['model_id']} steered by {result['sae_id']}")
    table.add_column("feature")
    table.add_column("strength", justify="right")
    table.add_column("text", ratio=1)
    for name in names:
        table.add_column(name.replace("_", "\n"), justify="right", no_wrap=True)
    for name, strength, row in rows:
        metrics = [row["metrics"].get(name) for name in names]
        cells = ["" if value is None else f"{value:.3g}" for value in metrics]
        table.add_row(escape(name), strength, escape(row["text"]), *cells)
        table.add_section()
    console.print(table)


def print_logs(folder: Path) -> None:
    """Print the last lines of every process."""
    for log in sorted(folder.glob("*.log")):
        lines = log.read_text(errors="replace").splitlines()[-8:]
        console.print(log.name, *lines, sep="\n", markup=False)
