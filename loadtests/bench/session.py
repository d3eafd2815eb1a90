"""A pytest session of its own, as a user would start it, for a measurement."""

import os
import subprocess
import sys
from pathlib import Path

#: Seconds a session may take on a busy machine; typically 25.
WITHIN_S = 300.0


def run_tests(folder: Path, target: Path) -> subprocess.CompletedProcess[str]:
    """Run the tests in `folder` on the application of `target`; `folder/run` results.

    Raises:
        subprocess.TimeoutExpired: it took over WITHIN_S.
    """
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("--rootdir", str(folder), "--target", str(target.resolve())),
            *("--run-dir", str(folder / "run"), "-p", "no:valkey", str(folder)),
        ],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
