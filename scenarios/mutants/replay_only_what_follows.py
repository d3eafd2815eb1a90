"""Whoever comes back has seen the beginning, so they are sent what follows."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="replay-only-what-follows",
    contract="replay.after-reconnect",
    why="It saves sending the log again, and what happened while the page was away is "
    "never seen.",
    overlay=(
        Replace(
            path="reference_app/sockets.py",
            old="        async with self._feeds.reading(job_id) as reader:\n",
            new="        async with self._feeds.reading(job_id) as reader:\n"
            "            if after:\n"
            "                reader._position = len(reader._feed.events)\n",
        ),
    ),
)
