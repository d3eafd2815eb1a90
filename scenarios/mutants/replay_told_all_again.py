"""Whoever joins is sent the whole log, also who said how much of it they have."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="replay-told-all-again",
    contract="replay.after-reconnect",
    why="The page appends what it hears: after each lost connection it shows all steps "
    "again.",
    overlay=(
        Replace(
            path="reference_app/sockets.py",
            old="self._forward(sid, domain, job_id, _after(data))",
            new="self._forward(sid, domain, job_id, 0)",
        ),
    ),
)
