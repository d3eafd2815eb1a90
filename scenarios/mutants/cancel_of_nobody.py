"""A cancel takes any id: to a broker every id is one that might exist."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="cancel-of-nobody",
    contract="cancel.hits-only-its-job",
    why="`revoke` asks nobody, so neither does the route: a mistyped id is told "
    "`cancelled`, and the job goes on.",
    overlay=(
        Replace(
            path="reference_app/cancellation.py",
            old="    if before is None:\n        return None\n",
            new='    if before is None:\n        return "cancelled"\n',
        ),
    ),
)
