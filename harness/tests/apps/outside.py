"""An application that reaches for a service of its own, which is not the stack's.

The address is one to which no packet can be sent over TCP (multicast), so that nothing
leaves the machine, refused or not.
"""

import asyncio
import os
import socket

from celery import Celery

DATABASE = ("224.0.0.99", 5432)

app = Celery("outside")


def connect():
    socket.create_connection(DATABASE, timeout=1).close()


@app.task(name="outside.sync")
def sync():
    connect()


@app.task(name="outside.asynchronous")
def asynchronous():
    asyncio.run(asyncio.open_connection(*DATABASE))


if os.environ.get("OUTSIDE_AT_IMPORT"):
    connect()
