"""The second published name of some jobs' events, in the words of older clients.

A job whose kind stands here is also published on a channel of its own, as frames: a
plain `SUBSCRIBE gan:training:<id>` is enough to follow it. Both names are published by
the one script that appends to the log, so a frame exists exactly once for each event,
in the same order, with one API process, with many, or with none. The frame is a
projection of the event, never a source.
"""

from collections.abc import Mapping
from typing import Any

#: Kinds of events in the words of task states; `status` of a frame.
STATUS = {
    "progress": "RUNNING",
    "completed": "SUCCESS",
    "failed": "FAILURE",
    "cancelled": "REVOKED",
}

#: What a frame takes from an event's data.
_DATA = (
    *("machine_id", "stage", "current", "total", "epoch", "loss"),
    *("result", "error", "reason"),
)


def has(kind: str) -> bool:
    """Tell whether jobs of this kind have a second channel."""
    return kind.partition(".")[0] in ("gan", "ml")


def also(kind: str, event: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the second channel of an event and its frame; no channel if it has none.

    `seq` and `progress` are added by the script that publishes it.
    """
    if not has(kind):
        return "", {}
    return f"gan:training:{event['job_id']}", _words(event)


def frame(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event of the log as the frame that was published for it."""
    return {"seq": event["seq"], "progress": event["percent"], **_words(event)}


def _words(event: Mapping[str, Any]) -> dict[str, Any]:
    data, kind = event["data"], event["kind"]
    named = {name: data[name] for name in _DATA if name in data}
    return {
        "task_id": event["job_id"],
        "attempt": event["attempt"],
        "timestamp": event["timestamp"],
        "status": STATUS[kind],
        "message": event["message"],
        "stage": kind,
        **named,
    }
