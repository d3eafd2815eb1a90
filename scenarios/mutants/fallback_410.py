"""The old way was removed, the flag was not: its off position answers 410."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="fallback-410",
    contract="fallback.flag-flip-loses-nothing",
    why="The queue listener and the background worker were deleted after the switch; "
    "the documents still name the flag as the way back.",
    overlay=(
        Replace(
            path="reference_app/submission.py",
            old="    path = Path(flag().path())\n",
            new="    path = Path(flag().path())\n"
            "    if path is Path.LOCAL:\n"
            '        raise HTTPException(410, "This way was removed")\n',
        ),
    ),
)
