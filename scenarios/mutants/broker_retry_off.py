"""The worker does not reconnect: a lost connection ends it."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="broker-retry-off",
    contract="broker.consumes-again",
    why="`The supervisor restarts it anyway`: until its own back-off stops doing so, "
    "and whatever ran is lost each time.",
    overlay=(
        Replace(
            path="reference_app/broker.py",
            old="    broker_connection_max_retries=None,\n",
            new="    broker_connection_retry=False,\n",
        ),
    ),
)
