"""The stages of a migration: which parts run in each, and which way new jobs go.

before: the flag off, no worker and no beat. mixed: two APIs, the flag on in one, and
each request of a user goes to the other one. after: the flag on. rolled_back: as after,
and the scenario turns the flag off while there are jobs; the workers stay and end them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.errors import TargetError
from harness.target import Target

if TYPE_CHECKING:
    from harness.stack import Stack

STAGES = ("before", "mixed", "after", "rolled_back")

#: Stages that begin with new jobs going to workers; in `mixed` those of one API do.
_ON = ("mixed", "after", "rolled_back")


def at_stage(target: Target, stage: str) -> Target:
    """Return the target as it is deployed at a stage.

    Raises:
        TargetError: it has no flag, so nothing says which way new jobs go.
    """
    if not target.flag or target.api is None:
        raise TargetError(
            f"--stage {stage}: the target has no [flag.on] and [flag.off]. Add them."
        )
    commands = dict(target.commands)
    if stage == "before":
        commands = {"api": commands["api"]}
    return replace(
        target,
        commands=commands,
        links=tuple(role for role in target.links if role in commands),
        env={**target.env, **target.flag["on" if stage in _ON else "off"]},
    )


@contextmanager
def second_api(stack: "Stack", stage: str | None) -> Iterator[None]:
    """Run the other API of the stage `mixed`, its flag off, while the body runs."""
    if stage != "mixed":
        yield
        return
    with stack.replica("api", stack.target.flag["off"]):
        yield
