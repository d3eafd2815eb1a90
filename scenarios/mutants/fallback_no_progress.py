"""Progress goes through Redis, as the worker's does; without Redis there is none."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="fallback-no-progress",
    contract="fallback.same-to-the-user",
    why="Progress is reported by the Celery side, and the fallback calls the function "
    "without it: the bar stands at 0 until the job is done.",
    overlay=(
        Replace(
            path="reference_app/context.py",
            old="        self._progress.report(int(percent), event, force=force or "
            "percent <= 0)\n",
            new="        if self.path is Path.CELERY:\n"
            "            self._progress.report(int(percent), event, force=force or "
            "percent <= 0)\n",
        ),
    ),
)
