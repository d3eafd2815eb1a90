"""What is read already is shared live: a second reader gets the next event on."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="replay-joins-the-live-feed",
    contract="replay.late-subscriber",
    why="The first page of a job sees everything, so it works wherever one person "
    "tries it; the second one gets half of it.",
    overlay=(
        Replace(
            path="reference_app/feeds.py",
            old="self._feed, self._position = feed, 0",
            new="self._feed, self._position = feed, len(feed.events)",
        ),
    ),
)
