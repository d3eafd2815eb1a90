"""Nothing looks for jobs whose worker is gone."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="delivery-no-reconciler",
    contract="delivery.lost-worker-is-noticed",
    why="Early ack, and all endings come from worker processes: a killed machine sends "
    "none.",
    overlay=(
        Replace(
            path="reference_app/reconcile.py",
            old="        if mine:\n            self.run()\n",
            new="",
        ),
    ),
)
