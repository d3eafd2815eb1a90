"""A described application, or parts of it, running for a measurement or a check."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from harness import Stack, Target, open_engine

REFERENCE = Path(__file__).parents[1] / "scenarios" / "target.toml"


@contextmanager
def running(
    described: Path,
    roles: Sequence[str] = ("api",),
    *,
    env: Mapping[str, object] | None = None,
    links: Sequence[str] = (),
) -> Iterator[Stack]:
    """Start Redis and these roles of a target, without a witness; stop them at the end.

    `env` is set beside what the target sets, `links` names the parts whose way to
    Redis can be hurt.
    """
    target = Target.load(described)
    target = replace(
        target,
        commands={role: target.commands[role] for role in roles},
        env={**target.env, **{name: str(value) for name, value in (env or {}).items()}},
    )
    engine = open_engine("process", target)
    try:
        with tempfile.TemporaryDirectory(prefix="queueproof-load-") as folder:
            stack = Stack(target, engine, Path(folder), witness=False, links=links)
            try:
                yield stack.start()
            finally:
                stack.stop()
    finally:
        engine.close()
