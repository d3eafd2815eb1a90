"""A job function that is a coroutine, and the loops that it has run in."""

import asyncio

LOOPS: list[asyncio.AbstractEventLoop] = []


async def work(request, ctx):
    await asyncio.to_thread(int)
    LOOPS.append(asyncio.get_running_loop())
    ctx.report(50, "in a loop")
    return {"job": ctx.job_id, **request}
