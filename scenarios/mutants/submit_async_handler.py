"""The handler is a coroutine, and publishes where the event loop runs."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="submit-async-handler",
    contract="submit.does-not-block-others",
    why="All other handlers of the framework's tutorial are `async def`; with a Redis "
    "that answers nobody sees a difference.",
    overlay=(
        Replace(
            path="reference_app/steering/api.py",
            old="def submit_comparison(\n",
            new="async def submit_comparison(\n",
        ),
    ),
)
