"""The smallest application, with a schedule: beat sends a task five times a second."""

from plain import app

app.conf.beat_schedule = {
    "tick": {"task": "plain.add", "schedule": 0.2, "args": (1, 2)},
}
