"""A lost child is seen by its worker, a lost worker by nobody."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="delivery-lost-with-its-worker",
    contract="delivery.churn-loses-nothing",
    why="All kills of children in the tests were survived. In production the kernel "
    "takes the main process too.",
    overlay=(
        Replace(
            path="reference_app/reconcile.py",
            old="            self._lose,\n",
            new="",
        ),
    ),
)
