import csv
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.grid import store
from loadtests.grid.tests.made import grid, measured


def test_what_is_saved_is_kept_and_loaded(tmp_path):
    records = grid(repeats=2)
    for record in records:
        assert store.kept(tmp_path, record) is None
        store.save(tmp_path, record)
        assert store.kept(tmp_path, record) == record
    assert sorted(store.load(tmp_path), key=store.key) == sorted(records, key=store.key)


def test_a_folder_that_is_not_there_holds_nothing(tmp_path):
    assert store.load(tmp_path / "none") == []


def test_a_record_that_was_half_written_is_not_seen(tmp_path, monkeypatch):
    path = store.save(tmp_path, measured())

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(type(path), "replace", stopped)
    with pytest.raises(KeyboardInterrupt):
        store.save(tmp_path, measured(repeat=2))
    assert store.load(tmp_path) == [measured()]


def test_a_file_that_holds_no_record_is_named(tmp_path):
    path = store.save(tmp_path, measured())
    for text in ("{", "[]", "null", '{"app": "reference"}'):
        path.write_text(text)
        with pytest.raises(ValueError, match=path.name):
            store.load(tmp_path)


def test_the_name_of_a_file_can_be_read():
    name = store.key(measured(2, 4, arrivals=12.5, repeat=3))
    assert name.startswith(
        "reference_queue_process_2x4_prefetch-deployed_acks-deployed_fixed-0.1_0B"
        "_open-12.5_repeat-3_"
    )


@given(st.text(min_size=1), st.text(min_size=1))
def test_other_cells_have_other_names_whatever_the_app_is_called(one, other):
    names = {store.key(measured(app=app)) for app in (one, other)}
    assert len(names) == len({one, other})
    assert all(len(name) < 200 and name.isascii() for name in names)
    assert not any("/" in name or name.startswith(".") for name in names)


@pytest.mark.parametrize("change", [{"seed": 2}, {"arrivals": 3.0}, {"acks": "late"}])
def test_whatever_is_planned_otherwise_has_another_name(change):
    assert store.key(replace(measured(), **change)) != store.key(measured())


def test_the_tables_hold_every_repeat(tmp_path):
    records = [measured(repeat=n, failures={"lost": n}) for n in range(3)]
    as_json, as_csv = store.write_tables(tmp_path, records, {"cores": 2})
    told = json.loads(as_json.read_text())
    assert told["facts"] == {"cores": 2}
    assert told["measured"] == [record.to_json() for record in records]
    (cell,) = told["cells"]
    assert cell["app"] == "reference"
    assert cell["repeats"] == 3
    assert set(cell["throughput"]) == {"median", "low", "high"}
    rows = list(csv.DictReader(as_csv.read_text().splitlines()))
    assert [float(row["throughput"]) for row in rows] == [r.throughput for r in records]
    assert [row["failures"] for row in rows] == ["0 lost", "1 lost", "2 lost"]
    assert rows[0]["slots"] == "8"
    assert float(rows[0]["wait_p95_s"]) == records[0].wait_s["p95"]
