"""What an answer of an API says, made comparable."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import httpx


def fields_of(answer: httpx.Response) -> dict[str, Any]:
    """Return the JSON object of an answer, empty where it is none."""
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def digest(result: Any) -> str | None:
    """Return the SHA-256 of a result's canonical JSON; equal results, equal digests."""
    if result is None:
        return None
    text = json.dumps(result, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def shape(value: Any) -> Any:
    """Return what a result is made of: names and types, no values.

    Of a list what is in it, in one place; an integer is a number like any other.
    """
    if isinstance(value, Mapping):
        return {str(key): shape(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, list):
        shapes = (shape(each) for each in value)
        distinct = {json.dumps(each, sort_keys=True): each for each in shapes}
        return [distinct[text] for text in sorted(distinct)]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "number"
    return None if value is None else type(value).__name__
