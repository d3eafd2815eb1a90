"""Who leads sends one message for each slot that was missed."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="schedule-catch-up",
    contract="schedule.returns-after-a-kill",
    why="No slot may be lost, said the requirement; after a night without beat all of "
    "them come at once.",
    overlay=(
        Replace(
            path="reference_app/beat.py",
            old="        super().setup_schedule()\n        self.lock = lock\n",
            new="        super().setup_schedule()\n"
            "        for entry in self.schedule.values():\n"
            "            missed = entry.schedule.now() - entry.last_run_at\n"
            "            for _ in range(missed // entry.schedule.run_every):\n"
            "                self.apply_async(entry, advance=False)\n"
            "        self.lock = lock\n",
        ),
        Replace(
            path="reference_app/studio/tasks.py",
            old="        schedule.claim(endings.client(), self)\n",
            new="",
        ),
    ),
)
