"""Run the scenarios again and again: `python -m ci.soak [--runs 10] [--engine ENGINE]`.

A promise that is kept nine times of ten is broken, and one good run does not tell. The
runs happen in a process of their own that survives the shell. The same command tells
how far they are and goes on where they were stopped; they stop at nothing that they
find, and no test is run again because it failed. What a run left is in
.qp/soak/ENGINE/NNN: verdicts.json, output.txt, and soak.json once it has ended; one
that was cut off is removed and done again. Bounded: a run that takes too long is ended
and counts as failed.

Exit codes, of the runs that have ended so far, 0 before the first of them: 0 all hold,
1 violated, 2 wrong use, 3 inconclusive, 4 the harness failed.
"""

import argparse
import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from rich.console import Console

from ci import soak_report

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
SOAK = ROOT / ".qp" / "soak"

#: Runs that one soak may have: a folder name has three digits.
MOST_RUNS = 999

#: Seconds one run may take; typically 200 to 500.
RUN_WITHIN_S = 3600.0

#: Seconds a run may take to stop what it started, when its time is over.
ENDS_WITHIN_S = 60.0


def command(engine: str, folder: Path) -> list[str]:
    """Return what one run is: what `make scenarios` does."""
    scenarios = [str(BIN / "pytest"), "scenarios/", "-n", "2", "--dist", "worksteal"]
    return [*scenarios, "--engine", engine, "--run-dir", str(folder), "-q"]


def next_run(home: Path, runs: int) -> Path | None:
    """Return the folder of the first run that has not ended, emptied; None if all have.

    What a run left that was cut off says nothing.
    """
    for number in range(1, runs + 1):
        folder = home / f"{number:03d}"
        if not (folder / soak_report.ENDED).is_file():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            return folder
    return None


def run_one(engine: str, folder: Path) -> dict[str, Any]:
    """Run the scenarios once; return what is to be said of the run beside verdicts."""
    started, began_s = time.time(), time.monotonic()
    with (folder / "output.txt").open("wb") as output:
        # Whoever ends us ends the run, SIGKILL included (harness/keeper.py).
        env = {**os.environ, "QUEUEPROOF_OWNER_PID": str(os.getpid())}
        process = subprocess.Popen(
            command(engine, folder),
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        in_time = True
        try:
            process.wait(RUN_WITHIN_S)
        except subprocess.TimeoutExpired:
            in_time = False
            process.terminate()
            try:
                process.wait(ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    return {
        "schema": soak_report.SCHEMA,
        "engine": engine,
        "exit_code": process.returncode if in_time else -1,
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "seconds": round(time.monotonic() - began_s, 1),
        "load": round(os.getloadavg()[0], 2),
        "source": source(),
    }


def source() -> str:
    """Return which source runs: the commit, and whether something was changed."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def soak(engine: str, home: Path, runs: int) -> None:
    """Do the runs that are left, one after the other, whatever they find."""
    while folder := next_run(home, runs):
        ended = run_one(engine, folder)
        partial = folder / "soak.partial"
        partial.write_text(json.dumps(ended, indent=1) + "\n", encoding="utf-8")
        partial.replace(folder / soak_report.ENDED)


@contextmanager
def alone(home: Path) -> Iterator[IO[str] | None]:
    """Hold the lock of a soak while the body runs; None where somebody else does."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield lock


def in_background(arguments: Sequence[str], home: Path) -> subprocess.Popen[bytes]:
    """Start this module in a session of its own, which the shell's end leaves alone."""
    with (home / "soak.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "ci.soak", *arguments, "--here"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def main(argv: Sequence[str]) -> int:
    """Start or go on, if there is something left to do, and tell what has ended."""
    parser = argparse.ArgumentParser(prog="python -m ci.soak")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--engine", choices=("process", "container"), default="process")
    parser.add_argument("--here", action="store_true", help="in this process, wait")
    given = parser.parse_args(argv)
    if not 0 < given.runs <= MOST_RUNS:
        parser.error(f"--runs {given.runs}: 1 to {MOST_RUNS}")
    home = SOAK / given.engine
    with alone(home) as lock:
        if lock is not None and given.here:
            _write_pid(lock, given.runs)
            soak(given.engine, home, given.runs)
        running = lock is None
    ended = soak_report.ended(home)
    print(f"soak: {len(ended)} runs have ended; ", end="")
    if running:
        pid, runs = _owner(home)
        print(f"process {pid} goes on to {runs}. `kill {pid}` stops it.")
    elif len(ended) < given.runs:
        arguments = ["--runs", str(given.runs), "--engine", given.engine]
        pid = in_background(arguments, home).pid
        print(f"process {pid} goes on to {given.runs}, the same command tells how far.")
    else:
        print(f"`rm -r {home}` begins anew.")
    soak_report.show(ended, Console(width=None if sys.stdout.isatty() else 150))
    return soak_report.exit_code(ended) if ended else 0


def _owner(home: Path) -> tuple[str, str]:
    """Return process and number of runs of the soak that holds the lock."""
    told = (home / "lock").read_text().split()
    return (told[0], told[1]) if len(told) == 2 else ("?", "?")


def _write_pid(lock: IO[str], runs: int) -> None:
    lock.truncate(0)
    lock.write(f"{os.getpid()} {runs}\n")
    lock.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
