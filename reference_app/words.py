"""An event as a client of Socket.IO is told it: by which name, with which fields.

In a room of its domain a job's events are `<domain>:<kind>`, in the words of the
steering plan, and what else its domain tells. In the room `task/<id>` a job of the
agent's speaks as before the migration: `phase_update`, `log`, `agent_status_update`.
Each event has one name in each room; both are projections, never a source.
"""

from collections.abc import Mapping
from typing import Any

from reference_app import board

Event = Mapping[str, Any]

#: The room of old, for jobs of any domain that had it.
TASK = "task"

#: What a domain's events tell beside what all tell.
_PHASE = ("phase", "step", "status", "current", "total", "level")
_COUNTS = ("done", "unchanged", "failed")
_DATA = dict.fromkeys(board.DOMAINS, _PHASE + _COUNTS)
_STEERING = ("current_feature", "current_strength")

_OF_AN_ENDING = ("result", "error", "reason")


def spoken_of(domain: str, kind: str) -> bool:
    """Tell whether a room of this domain can be one of a job of this kind."""
    if domain == TASK:
        return board.has(kind)
    return kind.partition(".")[0] == domain


def of(domain: str, event: Event) -> tuple[str, dict[str, Any]]:
    """Return the name and the fields of an event in a room of a domain."""
    if domain == TASK:
        return _of_old(event)
    data = event["data"]
    told = {name: data[name] for name in _DATA.get(domain, ()) if name in data}
    if domain not in _DATA:
        told = {name: data.get(name) for name in _STEERING}
    return f"{domain}:{event['kind']}", _common(event) | told | _ending(data)


def _of_old(event: Event) -> tuple[str, dict[str, Any]]:
    data, common = event["data"], _common(event)
    if event["kind"] != "progress":
        over = {"status": event["kind"], "is_running": False}
        return "agent_status_update", common | over | _ending(data)
    if "level" in data or "phase" not in data:
        return "log", common | {"level": board.level(event)}
    told = {name: data[name] for name in _PHASE[1:] + _COUNTS if name in data}
    return "phase_update", common | {"phase_id": data["phase"]} | told


def _common(event: Event) -> dict[str, Any]:
    return {
        "task_id": event["job_id"],
        "percent": int(event["percent"]),
        "message": event["message"],
        "timestamp": event["timestamp"],
        "seq": event["seq"],
        "attempt": event["attempt"],
    }


def _ending(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: data[name] for name in _OF_AN_ENDING if name in data}
