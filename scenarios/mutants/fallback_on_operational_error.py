"""Every OperationalError of Celery counts as an outage."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="fallback-on-operational-error",
    contract="fallback.only-when-unreachable",
    why="It is the error that guides tell to catch, and by its name it is one of "
    "operation. Celery raises it for whatever Redis answers: this application did so, "
    "until this contract was asked.",
    overlay=(
        Replace(
            path="reference_app/outbox.py",
            old="        if _is_bug(error.__cause__):\n"
            "            raise error.__cause__ from None\n",
            new="",
        ),
    ),
)
