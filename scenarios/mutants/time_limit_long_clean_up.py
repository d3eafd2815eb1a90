"""At its soft limit a job first saves what it has, which takes its time."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="time-limit-long-clean-up",
    contract="time_limit.soft-limit-cleans-up",
    why="An upload, a checkpoint of the whole model: longer than from the soft limit "
    "to the hard one, which then kills it in the middle of that.",
    overlay=(
        Replace(
            path="reference_app/context.py",
            old='cleanup=lambda: context.mark("cleanup")\n',
            new="cleanup=lambda: (\n"
            "                    __import__('threading').Event().wait(30),\n"
            '                    context.mark("cleanup"),\n'
            "                )\n",
        ),
    ),
)
