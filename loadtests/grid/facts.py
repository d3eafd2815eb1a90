"""What is said of the machine and the run at the foot of a report."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version

from loadtests.bench.kept import commit


def of_this_machine() -> dict[str, object]:
    """Return {word: value}: processors, versions, commit, date."""
    return {
        "cores": os.cpu_count() or 1,
        "machine": platform.machine(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("celery", "kombu", "redis")},
        "commit": commit(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }
