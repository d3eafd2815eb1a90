"""The coroutine runs in `new_event_loop()`, which is closed when all went well."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="time-limit-loop-of-its-own",
    contract="time_limit.coroutine-cleans-up",
    why="Two of the five migration plans say it so. The limit is raised in the loop, "
    "not in the coroutine, which stays at its `await`: no `finally` of it runs.",
    overlay=(
        Replace(
            path="reference_app/patterns/async_task.py",
            old="    previous = limit.install()\n",
            new="    previous = None\n",
        ),
        Replace(
            path="reference_app/patterns/async_task.py",
            old="        with asyncio.Runner() as runner:\n"
            "            value = runner.run(limit.watch(main))\n",
            new="        loop = asyncio.new_event_loop()\n"
            "        value = loop.run_until_complete(main())\n"
            "        loop.close()\n",
        ),
    ),
)
