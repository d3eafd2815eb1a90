"""The API process that is asked first relays a job, so that nobody gets two copies."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="progress-one-relay",
    contract="progress.one-copy-per-replica",
    why="It cures the second copy, and who is connected to another process gets none. "
    "The lock runs out soon, so that a server that is restarted relays again.",
    overlay=(
        Replace(
            path="reference_app/events.py",
            old="    async for event in replay.follow(\n",
            new='    if not await client.set(f"relay:{job_id}", 1, nx=True, ex=1):\n'
            "        return\n"
            "    async for event in replay.follow(\n",
        ),
    ),
)
