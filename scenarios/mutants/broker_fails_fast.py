"""The worker leaves when Redis does not answer it."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="broker-fails-fast",
    contract="broker.consumes-again",
    why="`Fail fast, Kubernetes restarts it`: each blip of Redis ends all workers at "
    "once, with what they ran, and then all of them wait out the same back-off.",
    overlay=(
        Replace(
            path="reference_app/supervision.py",
            old="            self._renew_again_s = time.monotonic() + BACK_OFF_S\n",
            new="            raise SystemExit(1) from None\n",
        ),
    ),
)
