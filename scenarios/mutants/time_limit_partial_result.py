"""At its soft limit a job ends as completed, with what it has."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="time-limit-partial-result",
    contract="time_limit.soft-limit-is-not-swallowed",
    why="`Half a result is better than none`: to the user it is a whole one.",
    overlay=(
        Replace(
            path="reference_app/context.py",
            old="        _fail(context, text, endings.Reason.SOFT_TIME_LIMIT)\n"
            "        raise\n",
            new="        _end(context, State.COMPLETED, result={})\n",
        ),
    ),
)
