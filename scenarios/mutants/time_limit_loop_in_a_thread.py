"""The coroutine runs in a thread, since `asyncio.run` refuses in a running loop."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="time-limit-loop-in-a-thread",
    contract="time_limit.coroutine-cleans-up",
    why="It works from sync and from async code alike. The limit is raised in the main "
    "thread, which then waits for the other one to be done.",
    overlay=(
        Replace(
            path="reference_app/job_task.py",
            old="        return async_task.run("
            "lambda: function(request, job_context))\n",
            new="        import asyncio\n"
            "        from concurrent.futures import ThreadPoolExecutor\n"
            "\n"
            "        with ThreadPoolExecutor(max_workers=1) as pool:\n"
            "            job = function(request, job_context)\n"
            "            return pool.submit(asyncio.run, job).result()\n",
        ),
    ),
)
