"""A lost job is put back, and nothing sends what was put back."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="delivery-lost-is-not-sent-again",
    contract="delivery.churn-loses-nothing",
    why="The row says `pending` again after its process was killed; whoever published "
    "it the first time has long answered its request.",
    overlay=(
        Replace(
            path="reference_app/reconcile.py",
            old="            self._sweeper.sweep,\n",
            new="",
        ),
    ),
)
