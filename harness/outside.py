"""What the guard refused, in words: who tried to reach what, from where, what to do.

The guard runs in the application's processes: `witness_site/queueproof_guard.py`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from harness.errors import OutsideStack


def raise_refused(refused: Iterable[Mapping[str, Any]]) -> None:
    """Raise OutsideStack with the first of these lines of the ledger, if any."""
    for line in refused:
        raise OutsideStack(describe_refused(line))


def describe_refused(refused: Mapping[str, Any]) -> str:
    """Return one sentence about what was refused, and the remedy."""
    host, name = refused.get("host"), refused.get("name")
    also = f" ({name})" if name and name != host else ""
    return (
        f"{refused.get('part')} tried to reach {host}:{refused.get('port')}{also} from "
        f"{refused.get('site')}: refused, it is not the stack's. Point it at the stack "
        f'by [env] in target.toml, or add allow_hosts = ["{name or host}"] there.'
    )
