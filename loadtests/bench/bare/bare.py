"""The least an API can do that hands work to Celery: an endpoint, and a publish.

It checks nothing, records nothing and knows no outage. It is what a submit of the
application is compared with.
"""

from typing import Any

from celery import Celery
from fastapi import FastAPI

#: Seconds the broker may take to connect, and for each answer.
ANSWER_S = 2.0

app = Celery("bare")
app.conf.update(
    broker_connection_timeout=ANSWER_S,
    broker_transport_options={
        "socket_timeout": ANSWER_S,
        "socket_connect_timeout": ANSWER_S,
    },
    task_ignore_result=True,
)
api = FastAPI()


@app.task(name="bare.compare")
def compare(request: dict[str, Any]) -> None:
    """Do nothing; no worker is there."""


@api.get("/health")
def health() -> dict[str, str]:
    """Answer."""
    return {"status": "ok"}


@api.post("/compare", status_code=202)
def submit(request: dict[str, Any]) -> dict[str, str]:
    """Publish, and try only once."""
    return {"task_id": compare.apply_async([request], retry=False).id}
