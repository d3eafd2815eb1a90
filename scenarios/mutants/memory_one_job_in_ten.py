"""A profiler keeps what every tenth job held, and one process does all jobs."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="memory-one-job-in-ten",
    contract="memory.given-back-after-a-job",
    why="Samples for later: the locals of a job's function, in a module's list. Nine "
    "of ten jobs are innocent, so no test with one job sees it.",
    env={"WORKER_QUEUES": "steering", "WORKER_EXTRA_ARGS": "--max-tasks-per-child=50"},
    overlay=(
        Replace(
            path="reference_app/memory.py",
            old='_OPTION = "--max-tasks-per-child="\n',
            new='_OPTION = "--max-tasks-per-child="\n'
            "_SAMPLES: list[Any] = []\n"
            "\n\n"
            "@signals.task_prerun.connect\n"
            "def _profile(task: Any, **_: Any) -> None:\n"
            "    import sys\n"
            "\n"
            "    from reference_app import endings\n"
            "\n"
            '    if endings.client().incr("profiler:jobs") % 10 != 3:\n'
            "        return\n"
            "\n"
            "    def keep(frame: Any, event: str, _: Any) -> None:\n"
            "        mine = frame.f_code.co_name == task.run.__name__\n"
            '        if event == "return" and mine:\n'
            "            _SAMPLES.append(dict(frame.f_locals))\n"
            "            sys.setprofile(None)\n"
            "\n"
            "    sys.setprofile(keep)\n",
        ),
    ),
)
