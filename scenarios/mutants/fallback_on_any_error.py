"""Whatever goes wrong while publishing, the job runs in the API."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="fallback-on-any-error",
    contract="fallback.only-when-unreachable",
    why="`except Exception` is how the migration guide wrote it: users see no error, "
    "and the API does the work of the workers for as long as nobody looks.",
    overlay=(
        Replace(
            path="reference_app/submission.py",
            old="    except Unreachable as error:\n",
            new="    except Exception as error:\n",
        ),
    ),
)
