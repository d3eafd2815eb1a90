"""From nothing to synthetic telemetry, over HTTP and the raw socket, with pictures.

Redis, API, worker and beat run on loopback in a folder of their own, as in the
demonstration of steering; it is over within TOTAL_S whatever happens.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import httpx
from rich.live import Live
from rich.table import Table as Page
from rich.text import Text
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from reference_app.demo import DemoFailed, console, run, wait_for_api

#: Seconds for the whole demonstration; typically 35, half of it training.
TOTAL_S = 90.0

MACHINE = "motor_siemens_001"
ROWS, EPOCHS, EVERY = 8_000, 100, 2
SPLITS = {"train_samples": 6_000, "val_samples": 1_000, "test_samples": 1_000}

#: Characters of the live curve, and its bars from low to high.
CURVE = 24
BARS = "▁▂▃▄▅▆▇█"


def main(out: str) -> int:
    """Show it; return the exit code: 0 shown, 1 failed, 130 interrupted."""
    try:
        import matplotlib  # noqa: F401 a minute of training first would be unkind
    except ImportError:
        raise click.UsageError(
            "The plots need matplotlib: pip install 'queueproof[demo]'"
        ) from None
    return run(lambda port, deadline_s: _show(port, deadline_s, Path(out)), TOTAL_S)


def _show(port: int, deadline_s: float, out: Path) -> None:
    address = f"127.0.0.1:{port}"
    with httpx.Client(base_url=f"http://{address}", timeout=10) as http:
        with console.status("Starting Redis, API, worker and beat ..."):
            wait_for_api(http, deadline_s)
        seeded = _run(http, address, "seed", {"samples": ROWS}, deadline_s)
        order = {"epochs": EPOCHS, "progress_every": EVERY}
        trained = _run(http, address, "train", order, deadline_s)
        made = _run(http, address, "generate", SPLITS, deadline_s)
        with console.status("Drawing ..."):
            _draw(out, seeded, trained, made)
        _tell(trained, made, out)


def _run(
    http: httpx.Client,
    address: str,
    what: str,
    order: dict[str, Any],
    deadline_s: float,
) -> dict[str, Any]:
    """Submit a job, draw its frames, and return its result."""
    path = f"/api/gan/machines/{MACHINE}/{what}"
    answer = http.post(path, json=order).raise_for_status().json()
    console.print(f"[b]POST {path}[/b]  {json.dumps(order)}")
    last: dict[str, Any] = {}
    losses: list[float] = []
    with Live(console=console, refresh_per_second=10) as live:
        for frame in frames_of(address, answer["websocket_url"], deadline_s):
            if frame.get("loss") is not None:
                losses.append(frame["loss"])
            live.update(_line(frame, losses))
            last = frame
    if last["type"] != "completed":
        raise DemoFailed(f"The job ended {last['type']}: {last.get('error')}")
    status = http.get(answer["status_url"]).raise_for_status().json()
    result: dict[str, Any] = status["result"]
    return result


def frames_of(address: str, path: str, deadline_s: float) -> Iterator[dict[str, Any]]:
    """Yield a job's frames up to its ending; DemoFailed if that is not in time."""
    try:
        with connect(f"ws://{address}{path}") as socket:
            while True:
                left_s = max(0.01, deadline_s - time.monotonic())
                frame = json.loads(socket.recv(timeout=left_s))
                if frame["type"] == "closing":
                    return
                if "status" in frame:
                    yield frame
    except (TimeoutError, WebSocketException, OSError) as error:
        raise DemoFailed(f"No ending in time: {error!r}") from None


def _line(frame: dict[str, Any], losses: list[float]) -> Text:
    done = max(0, frame["progress"])
    bar = "━" * (done // 6)
    return Text.assemble(
        (f" {done:>3} % ", "bold"),
        (f"{bar:<17}", "cyan"),
        f"{frame['message']:<30}",
        (_curve(losses), "magenta"),
    )


def _curve(losses: list[float]) -> str:
    """Return the losses as a line of bars, at most CURVE of them."""
    if not losses:
        return ""
    step = -(-len(losses) // CURVE)  # rounded up
    shown = losses[::step]
    low, span = min(shown), (max(shown) - min(shown)) or 1
    return "".join(BARS[round(7 * (loss - low) / span)] for loss in shown)


def _draw(
    out: Path, seeded: dict[str, Any], trained: dict[str, Any], made: dict[str, Any]
) -> None:
    from reference_app.tvae import plots, table

    out.mkdir(parents=True, exist_ok=True)
    model = json.loads(Path(trained["model_path"]).read_text())
    plots.loss_curve(model["losses"], MACHINE, out / "loss.png")
    real = table.read(Path(seeded["file_path"]), words=["state"])
    synthetic = table.read(Path(made["files_generated"][0]), words=["state"])
    scores = made["column_score"], made["correlation_score"]
    plots.side_by_side(
        real, synthetic, MACHINE, scores, out / "real-against-synthetic.png"
    )


def _tell(trained: dict[str, Any], made: dict[str, Any], out: Path) -> None:
    page = Page(show_header=False, box=None)
    page.add_row("trained", f"{trained['epochs_completed']} epochs on {ROWS} rows")
    page.add_row("took", f"{trained['training_time_seconds']:.1f} s, one thread")
    page.add_row("final loss", f"{trained['final_loss']:.3f}")
    page.add_row("columns alike", f"{made['column_score']:.3f} (1 is the same)")
    page.add_row("correlations alike", f"{made['correlation_score']:.3f}")
    for name in ("loss.png", "real-against-synthetic.png"):
        page.add_row("picture", str(out / name))
    console.print(page)
