"""The texts are made, so the bar is full; the metrics take a moment more."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="progress-hundred-early",
    contract="progress.never-goes-back",
    why="100 % and not done: the page says it is ready, or looks as if it hung.",
    overlay=(
        Replace(
            path="reference_app/steering/generate.py",
            old='ctx.report(95, "Computing metrics", force=True)',
            new='ctx.report(100, "Computing metrics", force=True)',
        ),
    ),
)
