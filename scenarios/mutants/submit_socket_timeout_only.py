"""Each answer of the broker is bounded, the publish as a whole is not."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="submit-socket-timeout-only",
    contract="submit.answers-in-time",
    why="`socket_timeout` is set to two seconds, so it cannot take longer than two "
    "seconds: a new connection asks several questions, one after the other.",
    overlay=(
        Replace(
            path="reference_app/outbox.py",
            old="call(lambda: _in_time(pid).call(lambda: _send(message)))",
            new="call(lambda: _send(message))",
        ),
    ),
)
