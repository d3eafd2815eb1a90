import json

import numpy as np
import pytest

from reference_app.tvae.transform import Transform


def test_what_is_encoded_is_decoded(rows, transform):
    back = transform.decode(transform.encode(rows))
    assert list(back) == list(rows)
    assert back["state"].tolist() == rows["state"].tolist()
    for name in ("temperature_c", "vibration_mm_s", "current_a", "rpm"):
        off = np.abs(back[name] - rows[name])
        # Only values beyond four deviations of their mode are cut.
        assert np.quantile(off, 0.98) < 1e-3 * np.ptp(rows[name])


def test_the_vectors_are_places_within_modes_and_one_hot_parts(rows, transform):
    vectors = transform.encode(rows)
    assert vectors.shape == (300, transform.width)
    assert vectors.dtype == np.float32
    for start, stop, scalar in transform.spans:
        part = vectors[:, start:stop]
        if scalar:
            assert np.abs(part).max() <= 1
        else:
            assert set(np.unique(part)) <= {0, 1}
            assert (part.sum(axis=1) == 1).all()


def test_a_column_with_two_humps_gets_a_mode_for_each():
    draw = np.random.default_rng(0)
    humps = np.concatenate([draw.normal(0, 1, 500), draw.normal(100, 1, 500)])
    (column,) = Transform.fit({"x": humps}, seed=0, components=3).columns
    assert {round(mean, -2) for mean in column.means} == {0, 100}


def test_decoded_numbers_stay_in_the_limits_of_the_seed_data(rows, transform):
    wild = np.random.default_rng(0).normal(0, 50, (500, transform.width))
    for name, values in transform.decode(wild.astype(np.float32)).items():
        if name != "state":
            assert rows[name].min() <= values.min()
            assert values.max() <= rows[name].max()


def test_the_same_table_and_seed_fit_the_same(rows, transform):
    again = Transform.fit(rows, seed=0, components=4)
    assert again.to_json() == transform.to_json()
    assert np.array_equal(again.encode(rows), transform.encode(rows))


def test_a_transform_goes_through_json(rows, transform):
    back = Transform.from_json(json.loads(json.dumps(transform.to_json())))
    assert back.columns == transform.columns
    assert np.array_equal(back.encode(rows), transform.encode(rows))


def test_something_else_is_no_transform():
    with pytest.raises(TypeError):
        Transform.from_json([{"name": "x", "mode": 3}])


def test_a_table_of_three_rows_can_be_fitted():
    few = {"x": np.array([1.0, 2.0, 4.0]), "s": np.array(["a", "b", "a"])}
    transform = Transform.fit(few, seed=0)
    assert transform.encode(few).shape == (3, transform.width)
