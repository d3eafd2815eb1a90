"""A failing job sets its percent back to 0."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="progress-zero-on-failure",
    contract="progress.never-goes-back",
    why="The bar of a failing job jumps back to the start.",
    overlay=(
        Replace(
            path="reference_app/events.py",
            old='percent, data = -1, {"error"',
            new='percent, data = 0, {"error"',
        ),
    ),
)
