"""Rows of a table as vectors for a network, and back: mode-specific normalisation.

A numeric value becomes its place within one mode of the column's mixture, in units of
four standard deviations, and the mode as a one-hot vector; a word becomes a one-hot
vector (Xu et al. 2019, "Modeling Tabular Data using Conditional GAN", section 4.2).
The transform is plain numbers: it goes to and comes from JSON.
"""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from reference_app.tvae.table import Table, rows_of

#: Mixture components tried per column. Three to five give a better copy of the
#: correlations than ten: fewer near-empty modes to mistake.
COMPONENTS = 5
#: A component with a smaller weight is left out.
MIN_WEIGHT = 0.005
#: Rows a mixture is fitted on; more change nothing and cost seconds.
FIT_ROWS = 10_000
#: A value further from its mode than four standard deviations is cut to this.
EDGE = 0.99

Vectors = np.ndarray[tuple[int, int], np.dtype[np.float32]]


class Span(NamedTuple):
    """Where a part of a vector stands: a place within a mode (scalar), or one-hot."""

    start: int
    stop: int
    scalar: bool


@dataclass(frozen=True)
class Numeric:
    """A column of numbers: its modes, and the limits seen in the seed data."""

    name: str
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    weights: tuple[float, ...]
    low: float
    high: float


@dataclass(frozen=True)
class Words:
    """A column of words, and which there are."""

    name: str
    words: tuple[str, ...]


class Transform:
    """The columns of a table, each with what is needed to encode and decode it."""

    def __init__(self, columns: Sequence[Numeric | Words]) -> None:
        self.columns = tuple(columns)
        self.spans = tuple(_spans(self.columns))
        self.width = self.spans[-1].stop

    @classmethod
    def fit(cls, table: Table, seed: int, components: int = COMPONENTS) -> "Transform":
        """Learn the columns of a table; the same table and seed give the same."""
        return cls(
            [
                Words(name, tuple(sorted(set(values.tolist()))))
                if values.dtype.kind == "U"
                else _fit_modes(name, values, seed, components)
                for name, values in table.items()
            ]
        )

    def encode(self, table: Table) -> Vectors:
        """Return one vector per row; a value belongs to its likeliest mode."""
        parts: list[np.ndarray[Any, Any]] = []
        for column in self.columns:
            values = table[column.name][:, None]
            if isinstance(column, Words):
                parts.append(values == np.array(column.words))
                continue
            means, deviations = np.array(column.means), np.array(column.deviations)
            log_odds = np.log(column.weights) - np.log(deviations)
            log_odds = log_odds - 0.5 * ((values - means) / deviations) ** 2
            # Not drawn from the posterior, as in the paper: decoding takes the
            # likeliest mode, too (measured, 8,000 rows: columns 0.963, drawn 0.941).
            mode = log_odds.argmax(axis=1)
            place = (values[:, 0] - means[mode]) / (4 * deviations[mode])
            parts.append(np.clip(place, -EDGE, EDGE)[:, None])
            parts.append(np.eye(len(means))[mode])
        return np.concatenate(parts, axis=1, dtype=np.float32)

    def decode(self, vectors: Vectors) -> Table:
        """Return the table; of a one-hot part the largest value counts.

        Numbers stay within the limits of the seed data.
        """
        table: Table = {}
        spans = iter(self.spans)
        for column in self.columns:
            span = next(spans)
            if isinstance(column, Words):
                best = vectors[:, span.start : span.stop].argmax(axis=1)
                table[column.name] = np.array(column.words)[best]
                continue
            place = vectors[:, span.start].astype(float)
            modes = next(spans)
            mode = vectors[:, modes.start : modes.stop].argmax(axis=1)
            values = 4 * place * np.array(column.deviations)[mode]
            values = values + np.array(column.means)[mode]
            table[column.name] = np.clip(values, column.low, column.high).round(4)
        return table

    def to_json(self) -> list[dict[str, Any]]:
        """Return the columns as JSON values."""
        return [asdict(column) for column in self.columns]

    @classmethod
    def from_json(cls, columns: Iterable[dict[str, Any]]) -> "Transform":
        """Return what `to_json` was given for.

        Raises:
            KeyError, TypeError: this is no transform.
        """
        return cls([_from_json(each) for each in columns])


def _from_json(column: dict[str, Any]) -> Numeric | Words:
    kind = Words if "words" in column else Numeric
    return kind(
        **{
            name: tuple(value) if isinstance(value, list) else value
            for name, value in column.items()
        }
    )


def _spans(columns: Iterable[Numeric | Words]) -> Iterable[Span]:
    start = 0
    for column in columns:
        if isinstance(column, Words):
            parts = [(len(column.words), False)]
        else:
            parts = [(1, True), (len(column.means), False)]
        for width, scalar in parts:
            yield Span(start, start + width, scalar)
            start += width


def _fit_modes(
    name: str, values: np.ndarray[Any, Any], seed: int, components: int
) -> Numeric:
    # Imported here: it costs a second, which only a training should pay.
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import BayesianGaussianMixture

    mixture = BayesianGaussianMixture(
        n_components=min(components, rows_of({name: values})),
        weight_concentration_prior_type="dirichlet_process",
        weight_concentration_prior=0.001,
        random_state=seed,
    )
    with warnings.catch_warnings():
        # A mixture that is still moving a little is as good a ruler.
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(values[:FIT_ROWS, None])
    kept = mixture.weights_ > MIN_WEIGHT
    return Numeric(
        name=name,
        means=tuple(mixture.means_[kept, 0].tolist()),
        deviations=tuple(np.sqrt(mixture.covariances_[kept, 0, 0]).tolist()),
        weights=tuple(mixture.weights_[kept].tolist()),
        low=float(values.min()),
        high=float(values.max()),
    )
