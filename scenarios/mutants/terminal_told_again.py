"""When the events of a job are over, its ending is told once more, to be sure."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="terminal-told-again",
    contract="terminal.exactly-one",
    why="A page that had missed the ending has it now; all others have it twice.",
    overlay=(
        Replace(
            path="reference_app/sockets.py",
            old="                except EndOfFeed:\n                    return\n",
            new="                except EndOfFeed:\n"
            "                    get = self._jobs.get\n"
            "                    job = await asyncio.to_thread(get, job_id)\n"
            '                    word = f"{domain}:{job.state}"\n'
            '                    told = {"task_id": job_id, "result": job.result}\n'
            "                    await self.server.emit(word, told, to=sid)\n"
            "                    return\n",
        ),
    ),
)
