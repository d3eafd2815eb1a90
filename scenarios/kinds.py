"""Kinds of jobs that are held to the same promises, by the same scenarios.

A short one ends by itself; an endless one outlasts its limits, whatever the machine.
"""

import pytest

short = pytest.mark.parametrize("short", ["compare", "agent"])
endless = pytest.mark.parametrize("endless", ["long_compare", "long_agent"])
both = pytest.mark.parametrize(
    ("short", "endless"), [("compare", "long_compare"), ("agent", "long_agent")]
)
#: The queue that each of them waits in.
queued = pytest.mark.parametrize(
    ("short", "queue"), [("compare", "steering"), ("agent", "agent")]
)
queue = pytest.mark.parametrize("queue", ["steering", "agent"])

#: Limits that no job reaches that is frozen, or whose process is still importing.
PATIENT = {"STEERING_SOFT_TIME_LIMIT": "80", "STEERING_HARD_TIME_LIMIT": "90"}

#: What makes a short job long enough to be watched.
LONGER = {"compare": {"num_samples": 64}, "agent": {}}
