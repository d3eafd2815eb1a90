import json
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.tests import another_app

ROOT = Path(__file__).parents[2]

#: Seconds that a run of a few seconds may take on a slow machine.
WITHIN_S = 90

OPTIONS = {
    "submit": "POST /run",
    "payload": '{"sleep": "{seconds}", "kind": ["{class}"]}',
    "status": "GET /job/{job}",
    "key": "X-Key",
    "fields": "id=uid,state=phase,created=queued",
    "words": "SUCCESS=completed,FAILURE=failed",
    "watch": "poll",
    "poll-s": 0.1,
    "jobs": 8,
    "arrivals": "10/s",
    "spacing": "even",
    "job-class": "mine@0.25",
}


@pytest.mark.real
def test_another_application_is_loaded_by_options_alone(tmp_path):
    server = another_app.serve()
    given = [f"--{name}={value}" for name, value in OPTIONS.items()]
    given += [f"--host=http://127.0.0.1:{server.server_port}"]
    given += [f"--report={tmp_path / 'it.json'}"]
    locust = [sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py"]
    try:
        done = subprocess.run(
            [*locust, "--headless", "--only-summary", *given],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
        )
    finally:
        server.shutdown()
        server.server_close()

    assert done.returncode == 1, done.stderr
    found = json.loads((tmp_path / "it.json").read_text())
    assert found["failures"] == {
        "rejected: HTTP 429 without Retry-After": 1,
        "rejected: HTTP 503": 1,
        "rejected: accepted without a job id": 1,
        "failed": 1,
    }
    counts = {"sent": 8, "accepted": 4, "refused": 1, "rejected": 3, "completed": 3}
    assert found["totals"].items() >= counts.items()
    # The first submit got no answer and was sent again, as the same one.
    assert sorted(server.keys.values()) == [1] * 7 + [2]
    assert server.bodies == [{"sleep": 0.25, "kind": ["mine"]}] * 9
