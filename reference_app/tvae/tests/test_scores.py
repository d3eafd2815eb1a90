import numpy as np
import pytest

from reference_app.tvae.scores import compare


def rows(low, high, words=("a", "b")):
    x = np.linspace(low, high, 100)
    return {"x": x, "y": 2 * x, "state": np.array(list(words) * 50)}


def test_a_table_is_exactly_like_itself():
    same = compare(rows(0, 1), rows(0, 1))
    assert (same.column, same.correlation) == (1, 1)


def test_tables_with_nothing_in_common_score_nothing():
    apart = compare(rows(0, 1), rows(5, 6, words=("c", "d")))
    assert apart.columns == pytest.approx({"x": 0, "y": 0, "state": 0}, abs=0.02)


def test_half_of_a_column_moved_away_costs_half():
    other = rows(0, 1)
    other["x"] = np.concatenate([other["x"][::2], other["x"][::2] + 10])
    assert compare(rows(0, 1), other).columns["x"] == pytest.approx(0.5, abs=0.02)


def test_a_turned_correlation_scores_nothing():
    other = rows(0, 1)
    other["y"] = -other["y"]
    assert compare(rows(0, 1), other).correlation == pytest.approx(0)


def test_a_constant_column_hangs_together_with_nothing():
    other = rows(0, 1)
    other["y"] = np.zeros(100)
    assert compare(rows(0, 1), other).correlation == pytest.approx(0.5)
