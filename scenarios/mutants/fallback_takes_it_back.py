"""The fallback takes the job whatever its row says: the publish failed, after all."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="fallback-takes-it-back",
    contract="fallback.ambiguous-publish-runs-once",
    why="An error of the publish is read as 'nothing was sent': by then a worker may "
    "have done the job.",
    overlay=(
        Replace(
            path="reference_app/jobs.py",
            old="        pending = (_jobs.c.id == job_id) & "
            "(_jobs.c.state == State.PENDING)\n"
            "        return self._update(pending, path=Path.LOCAL, "
            "publish_at=time.time())\n",
            new="        values = {'state': State.PENDING, 'path': Path.LOCAL}\n"
            "        mine = _jobs.c.id == job_id\n"
            "        return self._update(mine, publish_at=time.time(), **values)\n",
        ),
    ),
)
