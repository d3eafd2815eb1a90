"""The application without a server, and without what an earlier test left connected."""

import asyncio
from typing import Any

import httpx
from kombu import pools

from reference_app import api, outbox
from reference_app.broker import app


def call(
    method: str, path: str, base: str = "/api/v1", **options: Any
) -> httpx.Response:
    """Send one request to the application."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app=api.create_app())
        client = httpx.AsyncClient(transport=transport, base_url=f"http://test{base}")
        async with client:
            return await client.request(method, path, **options)

    return asyncio.run(send())


def forget_connections() -> None:
    """Let nothing be connected to the broker that was there before."""
    pools.reset()
    outbox.reach.cache_clear()
    outbox._producers.cache_clear()
    app.__dict__.pop("amqp", None)
    app._pool = None
