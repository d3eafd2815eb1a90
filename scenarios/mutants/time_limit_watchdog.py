"""A thread in the job's own process watches the clock, in place of a hard limit."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="time-limit-watchdog",
    contract="time_limit.hard-limit-kills",
    why="A `GenerationWatchdog` of the time before Celery, kept. What holds up its "
    "process holds up the watchdog, too.",
    overlay=(
        Replace(
            path="reference_app/steering/api.py",
            old="        settings().steering_hard_time_limit,\n",
            new="        None,\n",
        ),
        Replace(
            path="reference_app/context.py",
            old="    with SoftLimit() as limit:\n",
            new="    import os\n"
            "    import threading\n"
            "\n"
            "    watchdog = threading.Timer((soft_limit_s or 60) + 2, os._exit, [1])\n"
            "    watchdog.daemon = True\n"
            "    watchdog.start()\n"
            "    with SoftLimit() as limit:\n",
        ),
    ),
)
