"""A refused submit is a bare 503."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="fallback-no-retry-after",
    contract="fallback.follows-policy",
    why="The status says it all, to people; programs try again at once, all of them.",
    overlay=(
        Replace(
            path="reference_app/submission.py",
            old="        super().__init__(status_code, detail, headers)\n",
            new="        super().__init__(status_code, detail)\n",
        ),
    ),
)
