"""The ending is inferred from percent >= 100, and the work itself reports 100 first."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="terminal-by-percent",
    contract="terminal.exactly-one",
    why="Two `completed` events, the first one without a result: the page closes on "
    "the first and shows nothing.",
    overlay=(
        Replace(
            path="reference_app/steering/generate.py",
            old="        return entry, texts, measures\n",
            new='        ctx.report(100, "Complete", force=True)\n'
            "        return entry, texts, measures\n",
        ),
        Replace(
            path="reference_app/words.py",
            old="f\"{domain}:{event['kind']}\"",
            new="f\"{domain}:{'completed' if event['percent'] >= 100 else "
            "event['kind']}\"",
        ),
    ),
)
