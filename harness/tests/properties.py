"""Properties that every law has, whatever it is about.

A legal story holds; each single damage to it is caught; cut short it is not accused.

    def told(took_s):
        return Story().sent(...).ended("a", 1 + took_s).watched(30)

    test_only_a_job_that_ends_holds = properties.of(
        "terminal.exactly-one",
        st.builds(told, st.floats(0.1, 5)),
        Damage("no-end", without("journal.end")),
        Damage("a-second-end", again("journal.end", after_s=0.2)),
        Damage("nobody-watched", without("harness.heartbeat"), Status.INCONCLUSIVE),
    )

That every law has such a test, and that nothing holds where nothing happened, is
tested for all contracts at once, in contracts/tests/test_every_law.py.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis.strategies import SearchStrategy

from harness.history import History
from harness.observation import Observation
from harness.tests.story import Story
from harness.verdict import Status

Edit = Callable[[Story], Story]

#: Stories per test. They differ in times and counts alone, so few find what many do.
STORIES = 10


@dataclass(frozen=True)
class Damage:
    """One thing that is wrong with a story, and what a law must say of it."""

    name: str
    do: Edit
    becomes: Status = Status.VIOLATED

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Properties:
    """What is known of one law: which stories are legal, and what spoils one."""

    law: str
    legal: SearchStrategy[Story]
    damages: tuple[Damage, ...]


def of(law: str, legal: SearchStrategy[Story], *damages: Damage) -> Callable[..., None]:
    """Return a test: what is legal holds, and each damage to it is caught.

    Its name must begin with `test_`. The test carries its Properties as `properties`.
    """

    @pytest.mark.parametrize(
        "damage", [None, *damages], ids=lambda d: str(d or "legal")
    )
    @settings(max_examples=STORIES)
    @given(story=legal)
    def test(damage: Damage | None, story: Story) -> None:
        if damage is None:
            holds(law, story)
        else:
            caught(law, story, damage)

    test.properties = Properties(law, legal, damages)
    return test


def holds(law: str, story: Story) -> None:
    """Expect that the law holds, and that no part of the story is held against it."""
    verdict = story.judged_by(law)
    assert verdict.status is Status.HOLDS, verdict
    cut = _told([])  # told on and on, as a history is: no cut begins from nothing
    in_order = sorted(story.history.observations, key=_time)
    for t, now in groupby(in_order, key=_time):
        _tell(cut, now)
        verdict = cut.judged_by(law)
        assert verdict.status is not Status.VIOLATED, f"cut at {t}: {verdict}"


def caught(law: str, story: Story, damage: Damage) -> None:
    """Expect the law to notice the damage in this legal story."""
    verdict = damage.do(story).judged_by(law)
    assert verdict.status is damage.becomes, verdict


def both(*edits: Edit) -> Edit:
    """Do one edit after the other, as a single damage."""

    def edit(story: Story) -> Story:
        for each in edits:
            story = each(story)
        return story

    return edit


# Damage to all observations of a name (`source.kind`) with this job and these data


def without(name: str, job: str | None = None, **data: Any) -> Edit:
    """Leave them out."""
    return _each(name, job, data, lambda _: [])


def again(
    name: str,
    job: str | None = None,
    *,
    after_s: float,
    but: dict[str, Any] | None = None,
    **data: Any,
) -> Edit:
    """Tell each once more, so many seconds later, with other data if `but` has any."""
    return _each(
        name, job, data, lambda o: [o, _but(replace(o, t=o.t + after_s), but or {})]
    )


def moved(name: str, job: str | None = None, *, by_s: float, **data: Any) -> Edit:
    """Let them happen later, or earlier."""
    return _each(name, job, data, lambda o: [replace(o, t=o.t + by_s)])


def changed(
    name: str, job: str | None = None, *, to: dict[str, Any], **data: Any
) -> Edit:
    """Let them say something else."""
    return _each(name, job, data, lambda o: [_but(o, to)])


def _but(o: Observation, data: dict[str, Any]) -> Observation:
    return replace(o, data={**o.data, **data})


def _each(
    name: str,
    job: str | None,
    data: dict[str, Any],
    instead: Callable[[Observation], list[Observation]],
) -> Edit:
    def hit(o: Observation) -> bool:
        mine = o.name == name and job in (None, o.job)
        return mine and all(o.get(key) == value for key, value in data.items())

    def edit(story: Story) -> Story:
        told = story.history.observations
        assert any(hit(o) for o in told), f"there is no {name} of {job} with {data}"
        edited = [new for o in told for new in (instead(o) if hit(o) else [o])]
        return _told(sorted(edited, key=_time))

    return edit


def _told(observations: Iterable[Observation]) -> Story:
    story = Story()
    story.history = History(start_mono=0.0)
    _tell(story, observations)
    return story


def _tell(story: Story, observations: Iterable[Observation]) -> None:
    for o in observations:
        story.history.record(o.source, o.kind, o.job, o.t, **o.data)


def _time(observation: Observation) -> float:
    return observation.t
