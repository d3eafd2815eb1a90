"""A job that ran out of time is given another chance."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="retry-time-outs",
    contract="retry.permanent-errors-are-not-retried",
    why="`The machine was busy, next time it will do`: a limit of three minutes is one "
    "of twelve, and the user waits for all of them.",
    overlay=(
        Replace(
            path="reference_app/context.py",
            old='        text = "The job ran into its soft time limit"\n',
            new="        job_id, attempt = context.job_id, context.attempt\n"
            "        if attempt <= settings().retry_times:\n"
            "            endings.store().try_again(job_id, attempt, after_s=0.5)\n"
            "            raise Ignore from None\n"
            '        text = "The job ran into its soft time limit"\n',
        ),
    ),
)
