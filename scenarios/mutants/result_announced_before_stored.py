"""`completed` goes out while the job still computes its metrics."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="result-announced-before-stored",
    contract="result.ready-when-announced",
    why="The page hears `completed`, fetches the result and gets a running job.",
    overlay=(
        Replace(
            path="reference_app/context.py",
            old="        event = events.envelope(self.job_id, self.attempt, "
            '"progress", message, data)\n',
            new="        if percent >= 95:\n"
            "            import dataclasses\n"
            "            job = endings.store().get(self.job_id)\n"
            "            done = dataclasses.replace(job, state=State.COMPLETED)\n"
            "            ttl_s = settings().events_ttl\n"
            "            events.announce(\n"
            "                endings.client(), endings.store(), done, ttl_s\n"
            "            )\n"
            "        event = events.envelope(self.job_id, self.attempt, "
            '"progress", message, data)\n',
        ),
    ),
)
