"""How like a synthetic table is to a real one: 1 is alike, 0 is not at all.

Numbers are compared by the largest distance between their cumulative distributions
(Kolmogorov-Smirnov), words by half the summed difference of their shares (total
variation), pairs of numeric columns by half the difference of their correlations.
"""

from itertools import combinations
from statistics import mean
from typing import Any, NamedTuple

import numpy as np

from reference_app.tvae.table import Table


class Scores(NamedTuple):
    """By column, and over all pairs of numeric columns."""

    columns: dict[str, float]
    correlation: float

    @property
    def column(self) -> float:
        """The mean over the columns."""
        return mean(self.columns.values())


def compare(real: Table, synthetic: Table) -> Scores:
    """Return the scores of two tables with the same columns."""
    columns = {
        name: _words(values, synthetic[name])
        if values.dtype.kind == "U"
        else _numbers(values, synthetic[name])
        for name, values in real.items()
    }
    numeric = [name for name, values in real.items() if values.dtype.kind != "U"]
    apart = [
        abs(_correlation(real, a, b) - _correlation(synthetic, a, b))
        for a, b in combinations(numeric, 2)
    ]
    return Scores(columns, 1 - mean(apart) / 2)


def _numbers(real: np.ndarray[Any, Any], synthetic: np.ndarray[Any, Any]) -> float:
    steps = np.concatenate([real, synthetic])
    cumulated = [
        np.searchsorted(np.sort(values), steps, side="right") / len(values)
        for values in (real, synthetic)
    ]
    return float(1 - np.abs(cumulated[0] - cumulated[1]).max())


def _words(real: np.ndarray[Any, Any], synthetic: np.ndarray[Any, Any]) -> float:
    words = np.union1d(real, synthetic)
    apart = [abs((real == word).mean() - (synthetic == word).mean()) for word in words]
    return float(1 - sum(apart) / 2)


def _correlation(table: Table, one: str, other: str) -> float:
    if table[one].std() == 0 or table[other].std() == 0:
        return 0.0  # a constant column hangs together with nothing
    return float(np.corrcoef(table[one], table[other])[0, 1])
