"""What routes answer when they do not do what they were asked: for OpenAPI, and people.

A client finds in the description of a route every status that it may get; a run of
schemathesis (`make openapi`) finds those that were forgotten. FastAPI adds 422.
"""

from typing import Any

from pydantic import BaseModel


class Refusal(BaseModel):
    """Why not, in words."""

    detail: str


Answers = dict[int | str, dict[str, Any]]


def refusal(description: str, *, retry_after: bool = False) -> dict[str, Any]:
    """Describe one answer."""
    told: dict[str, Any] = {"model": Refusal, "description": description}
    if retry_after:
        header = {"description": "seconds", "schema": {"type": "integer", "minimum": 1}}
        told["headers"] = {"Retry-After": header}
    return told


UNKNOWN: Answers = {404: refusal("Nobody knows what the path or the body names")}
FETCH: Answers = {**UNKNOWN, 410: refusal("The job ended long ago: it has expired")}
UNUSABLE: Answers = {400: refusal("It is not readable, or the machine is not ready")}

#: Of every route that submits a job.
SUBMIT: Answers = {
    **UNUSABLE,
    **UNKNOWN,
    429: refusal("Too many submits, or too many jobs wait", retry_after=True),
    503: refusal("No broker, or such jobs fail at present", retry_after=True),
}
