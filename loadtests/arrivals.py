"""Which jobs are sent when: one sequence, made from a seed before the first is sent.

A moment does not depend on how the application fares: a load that waits for its answers
spares whoever is slow (coordinated omission). Several senders divide one sequence, job
k to sender k mod n, so all of them together send what one would.
"""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loadtests import shapes

#: Seconds of work of a class that does not say, and how many jobs come at the same
#: instant.
SECONDS = {"short": 0.1, "long": 2.0, "bursty": 0.1}
BURST = {"bursty": 10}

_RATE = re.compile(r"(\d+(?:\.\d+)?)/(s|min|h)")
_CLASS = re.compile(r"([a-z]\w*)(?:@(\d+(?:\.\d+)?))?(?::(\d+(?:\.\d+)?))?")
_PER_S = {"s": 1, "min": 60, "h": 3600}


@dataclass(frozen=True)
class JobClass:
    """A kind of job: how long it works, and how many come at once."""

    name: str
    seconds: float
    burst: int
    #: The share of all jobs, relative to other classes.
    weight: float


@dataclass(frozen=True)
class Planned:
    """A job to be sent, `due_s` seconds after the begin of the run."""

    k: int
    due_s: float
    job_class: JobClass


def parse_rate(text: str) -> float | None:
    """Return jobs per second of "30/s", "90/min" or "5000/h"; None of "closed".

    Raises:
        ValueError: it is none of them, or nothing would ever come.
    """
    if text == "closed":
        return None
    match = _RATE.fullmatch(text)
    if match is None or not float(match[1]):
        raise ValueError(
            f"Arrivals {text!r}: give a rate as 30/s, 90/min or 5000/h, or closed for "
            "users who each wait for their job."
        )
    return float(match[1]) / _PER_S[match[2]]


def parse_mix(text: str) -> tuple[JobClass, ...]:
    """Return the classes of "short:8,long@5:1": name, @seconds of work, :weight.

    Raises:
        ValueError: it is not of that form, or a class does not say its seconds.
    """
    mix = []
    for one in text.split(","):
        match = _CLASS.fullmatch(one.strip())
        if match is None or not (match[2] or match[1] in SECONDS):
            known = ", ".join(SECONDS)
            raise ValueError(
                f"Job class {one!r}: give NAME@SECONDS:WEIGHT, as in short:8,long@5:1; "
                f"without seconds NAME is one of {known}."
            )
        weight = 1.0 if match[3] is None else float(match[3])
        seconds = float(match[2] or SECONDS.get(match[1], 0))
        mix.append(JobClass(match[1], seconds, BURST.get(match[1], 1), weight))
    if len({each.name for each in mix}) < len(mix) or not sum(w.weight for w in mix):
        raise ValueError(
            f"Job classes {text!r}: name each once, one with a weight > 0."
        )
    return tuple(mix)


def length_s(jobs: int, rate: float, shape: str) -> float:
    """Return the seconds in which so many jobs come; `rate` is the highest, per s."""
    return jobs / (rate * shapes.mean(shape))


def plan(
    jobs: int,
    rate: float | None,
    *,
    mix: Sequence[JobClass],
    shape: str = "steady",
    seed: int = 1,
    poisson: bool = True,
) -> list[Planned]:
    """Return exactly so many jobs, in the order in which they are due.

    Args:
        jobs: how many.
        rate: jobs per second where the shape is highest; None: each is due when a
            user is free for it.
        mix: the classes that they are drawn from.
        shape: of `loadtests.shapes`.
        seed: the same seed gives the same sequence.
        poisson: arrivals of people who know nothing of each other; else at even
            distances.
    """
    chance = random.Random(seed)
    comings = _comings(jobs, mix, chance)
    places: list[float]
    if poisson:
        # Poisson arrivals of which one knows the number lie anywhere, independently.
        places = sorted(chance.random() for _ in comings)
    else:
        before = [0]
        for _, size in comings:
            before.append(before[-1] + size)
        places = [each / jobs for each in before[:-1]]
    lasts_s = 0.0 if rate is None else length_s(jobs, rate, shape)
    planned: list[Planned] = []
    for place, (job_class, size) in zip(places, comings, strict=True):
        due_s = lasts_s * shapes.place_of(shape, place)
        for _ in range(size):
            planned.append(Planned(len(planned), due_s, job_class))
    return planned


def share(planned: Sequence[Planned], index: int, of: int) -> list[Planned]:
    """Return what sender `index` (from 0) of `of` senders sends."""
    return [each for each in planned if each.k % of == index]


def payload(template: object, job_class: JobClass) -> object:
    """Return JSON data with "{seconds}" and "{class}" filled in, at any depth."""
    match template:
        case "{seconds}":
            return job_class.seconds
        case "{class}":
            return job_class.name
        case Mapping():
            return {key: payload(each, job_class) for key, each in template.items()}
        case list():
            return [payload(each, job_class) for each in template]
    return template


def _comings(
    jobs: int, mix: Sequence[JobClass], chance: random.Random
) -> list[tuple[JobClass, int]]:
    """Return who comes, one after the other: a class, and how many of it at once."""
    # A weight is a share of jobs; a burst of ten comes ten times more rarely.
    weights = [each.weight / each.burst for each in mix]
    comings = []
    left = jobs
    while left > 0:
        job_class = chance.choices(mix, weights)[0]
        comings.append((job_class, min(job_class.burst, left)))
        left -= job_class.burst
    return comings
