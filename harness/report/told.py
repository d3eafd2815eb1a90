"""What there is to say about one verdict where its history is not at hand."""

from harness.contract import find_contract
from harness.verdict import Verdict


def told(id: str, verdict: Verdict, again: str) -> str:
    """Return claim, summary, expected beside observed, and the command, in lines."""
    rows = (
        ("claim", find_contract(id).claim),
        ("summary", verdict.summary),
        ("expected", verdict.expected),
        ("observed", verdict.observed),
        ("again", again),
    )
    return "\n".join(f"{name:<9} {text}" for name, text in rows if text)
