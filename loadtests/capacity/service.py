"""How long jobs take: `fixed:0.1`, `exp:2s`, `lognormal:0.5,1.2`, `pareto:0.1,1.8`."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Draw = Callable[[random.Random], float]


@dataclass(frozen=True)
class Service:
    """A distribution of service times.

    Args:
        name: as it was given.
        mean_s: seconds a job takes on average.
        scv: squared coefficient of variation, variance over squared mean: 0 where all
            take the same, 1 for exponential, infinite for a heavy tail.
        draw: returns the seconds of one job.
    """

    name: str
    mean_s: float
    scv: float
    draw: Draw

    @property
    def heavy(self) -> bool:
        """Return whether so few jobs take so much of the time that formulas fail."""
        return self.scv > 4.0


def parse(text: str) -> Service:
    """Return the distribution that `text` names.

    Raises:
        ValueError: no such form or no such values; says which there are.
    """
    kind, _, rest = text.partition(":")
    try:
        made = _KINDS[kind](*(seconds(each) for each in rest.split(",")))
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise ValueError(
            f"service {text!r}: write fixed:SECONDS, exp:MEAN, lognormal:MEAN,SCV or "
            f"pareto:LEAST,SHAPE (shape above 1), as in exp:2s ({error})"
        ) from error
    return Service(text, *made)


def measured(seconds: Sequence[float], name: str = "measured") -> Service:
    """Return the distribution of times that were measured, drawn from them again.

    Raises:
        ValueError: there are none.
    """
    if not seconds:
        raise ValueError("no service times were measured")
    times = tuple(seconds)
    mean_s = math.fsum(times) / len(times)
    variance = math.fsum((each - mean_s) ** 2 for each in times) / len(times)
    scv = variance / mean_s**2 if mean_s else 0.0
    return Service(name, mean_s, scv, lambda chance: chance.choice(times))


def seconds(text: str) -> float:
    """Return the seconds of `2s`, `100ms` or `0.1`; ValueError if it is none."""
    text = text.strip()
    if text.endswith("ms"):
        return float(text[:-2]) / 1000
    return float(text.removesuffix("s"))


def _fixed(value_s: float) -> tuple[float, float, Draw]:
    if value_s:  # a job may also do nothing
        _positive(value_s)
    return value_s, 0.0, lambda chance: value_s


def _exponential(mean_s: float) -> tuple[float, float, Draw]:
    rate = 1 / _positive(mean_s)
    return mean_s, 1.0, lambda chance: chance.expovariate(rate)


def _lognormal(mean_s: float, scv: float) -> tuple[float, float, Draw]:
    sigma2 = math.log1p(_positive(scv))
    mu = math.log(_positive(mean_s)) - sigma2 / 2
    return mean_s, scv, lambda chance: chance.lognormvariate(mu, math.sqrt(sigma2))


def _pareto(least_s: float, shape: float) -> tuple[float, float, Draw]:
    if shape <= 1:
        raise ValueError("with a shape up to 1 the mean is infinite")
    mean_s = shape * _positive(least_s) / (shape - 1)
    scv = 1 / (shape * (shape - 2)) if shape > 2 else math.inf
    return mean_s, scv, lambda chance: least_s * chance.paretovariate(shape)


def _positive(value: float) -> float:
    if not 0 < value < math.inf:
        raise ValueError(f"{value:g} is not above 0")
    return value


_KINDS: dict[str, Callable[..., tuple[float, float, Draw]]] = {
    "fixed": _fixed,
    "exp": _exponential,
    "lognormal": _lognormal,
    "pareto": _pareto,
}
