"""Steering all rows in one batch against steering them one after the other.

The app measures itself in a process of its own (`reference_app.steering.speed`): load
tests import no app. Both ways use the KV cache and take turns in that process.
"""

import json
import os
import subprocess
import sys
from typing import Any

NAME = "steering"
#: Times the batch must be faster, in CPU time.
TARGET = 5.0
#: Seconds the whole measurement may take on a busy machine; typically 20.
WITHIN_S = 300.0


def run() -> dict[str, Any]:
    """Return the record; `value` is sequential over batched CPU time, medians.

    Raises:
        subprocess.SubprocessError: the measurement failed or took over WITHIN_S.
    """
    done = subprocess.run(
        [sys.executable, "-m", "reference_app.steering.speed", "--json"],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=WITHIN_S,
    )
    record = json.loads(done.stdout.splitlines()[-1])
    ratio = record.pop("cpu_ratio")
    return {
        "name": NAME,
        "what": "16 steered rows in one batch against one after the other",
        "value": ratio,
        "unit": "times less CPU time",
        "target": TARGET,
        "passed": ratio >= TARGET and record["same_tokens"],
        **record,
    }
