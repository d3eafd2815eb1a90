import math
import random

import pytest

from loadtests.capacity import service


@pytest.mark.parametrize(
    ("text", "mean_s", "scv"),
    [
        ("fixed:100ms", 0.1, 0.0),
        ("exp:2s", 2.0, 1.0),
        ("lognormal:0.5,2", 0.5, 2.0),
        ("pareto:0.1,3", 0.15, 1 / 3),
    ],
)
def test_what_is_drawn_has_the_mean_and_the_variation_that_are_told(text, mean_s, scv):
    made = service.parse(text)
    assert (made.mean_s, made.scv) == (pytest.approx(mean_s), pytest.approx(scv))
    chance = random.Random(1)
    drawn = service.measured([made.draw(chance) for _ in range(100_000)])
    assert drawn.mean_s == pytest.approx(mean_s, rel=0.02)
    assert drawn.scv == pytest.approx(scv, rel=0.15)


def test_a_tail_without_variance_is_heavy():
    assert service.parse("pareto:0.1,1.8").scv == math.inf
    assert service.parse("pareto:0.1,1.8").heavy
    assert not service.parse("exp:1").heavy


@pytest.mark.parametrize(
    "text", ["exp", "exp:-1", "poisson:1", "pareto:1,1", "fixed:x"]
)
def test_what_is_no_distribution_is_refused_with_what_there_is(text):
    with pytest.raises(ValueError, match=r"write fixed:SECONDS, exp:MEAN"):
        service.parse(text)
    with pytest.raises(ValueError, match="no service times"):
        service.measured([])
