"""A batch that fails is left out, and the rest goes on: also when it was the limit."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="time-limit-swallowed",
    contract="time_limit.soft-limit-is-not-swallowed",
    why="SoftTimeLimitExceeded is a plain Exception: `except Exception` around an item "
    "takes the time-out for one more item that failed.",
    overlay=(
        Replace(
            path="reference_app/steering/generate.py",
            old="        made.append(\n            decode_rows(\n",
            new="        made.append(\n            _or_blanks(\n",
        ),
        Replace(
            path="reference_app/steering/generate.py",
            old="def _micro_batches(rows: Sequence[Row])",
            new="def _or_blanks(*arguments: Any, **options: Any) -> torch.Tensor:\n"
            "    try:\n"
            "        return decode_rows(*arguments, **options)\n"
            "    except Exception:\n"
            "        shape = (len(arguments[3]), options['max_new_tokens'])\n"
            "        return torch.zeros(shape, dtype=torch.long)\n"
            "\n\n"
            "def _micro_batches(rows: Sequence[Row])",
        ),
        Replace(
            path="reference_app/context.py",
            old="            self._limit.check()\n",
            new="            pass\n",
        ),
    ),
)
