"""The coroutine runs in a thread, since `asyncio.run` refuses in a running loop."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="time-limit-loop-in-a-thread",
    contract="time_limit.coroutine-cleans-up",
    why="It works from sync and from async code alike. The limit is raised in the main "
    "thread, which leaves the other one, and the coroutine in it, to itself.",
    overlay=(
        Replace(
            path="reference_app/job_task.py",
            old="        return async_task.run("
            "lambda: function(request, job_context))\n",
            new="        import asyncio\n"
            "        import threading\n"
            "\n"
            "        made: list[dict[str, Any]] = []\n"
            "        job = function(request, job_context)\n"
            "        thread = threading.Thread(\n"
            "            target=lambda: made.append(asyncio.run(job)), daemon=True\n"
            "        )\n"
            "        thread.start()\n"
            "        thread.join()\n"
            "        return made[0]\n",
        ),
    ),
)
