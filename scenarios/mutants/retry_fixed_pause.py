"""Each pause before a next try is as long as the first one."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="retry-fixed-pause",
    contract="retry.transient-errors-are-retried",
    why="`countdown=60`: a service that needs five minutes to come back is asked each "
    "minute, and all tries are used up before it is there.",
    overlay=(
        Replace(
            path="reference_app/patterns/retry.py",
            old="        whole_s = min(self.longest_s, self.first_s * 2.0 ** "
            "min(attempt - 1, 60))\n",
            new="        whole_s = self.first_s\n",
        ),
    ),
)
