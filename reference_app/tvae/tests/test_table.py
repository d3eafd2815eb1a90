import numpy as np
import pytest

from reference_app.tvae import table

ROWS = {"rpm": np.array([1.5, 2.25]), "state": np.array(["idle", "fault"])}


def test_a_table_comes_back_as_it_was(tmp_path):
    path = tmp_path / "new" / "rows.csv"
    table.write(ROWS, path)
    found = table.read(path, words=["state"])
    assert list(found) == ["rpm", "state"]
    assert found["rpm"].tolist() == [1.5, 2.25]
    assert found["state"].tolist() == ["idle", "fault"]
    assert table.rows_of(found) == 2


def test_nothing_but_the_file_is_left_behind(tmp_path):
    table.write(ROWS, tmp_path / "rows.csv")
    table.write(ROWS, tmp_path / "rows.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "no rows"),
        ("rpm,state\n", "no rows"),
        ("rpm,state\n1,idle\n2\n", "line 3"),
        ("rpm,state\nfast,idle\n", "fast"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, text, named):
    path = tmp_path / "rows.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"rows\.csv.*{named}"):
        table.read(path, words=["state"])
