"""A pidfile on a volume is believed, whoever wrote it and whether it lives."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="schedule-pidfile-blocks",
    contract="schedule.returns-after-a-kill",
    why="It guards against a second beat for years, until a node is lost: the file is "
    "on the volume, and in a container pid 1 always lives.",
    overlay=(
        Replace(
            path="reference_app/beat.py",
            old="    with pidfile.held(settings().beat_pidfile.resolve()):\n",
            new="    path = settings().beat_pidfile.resolve()\n"
            "    if path.exists():\n"
            '        raise SystemExit(f"beat runs already, or remove {path}")\n'
            "    with pidfile.held(path):\n",
        ),
    ),
)
