from loadtests.grid import report, store
from loadtests.grid.tests.made import grid, measured


def test_a_folder_of_cells_becomes_tables_pictures_and_a_page(tmp_path):
    for record in grid((1,), (1, 2), 2):
        store.save(tmp_path, record)
    page = report.write(tmp_path, {"cores": 2})
    assert page.read_text().count("<figure") == 6
    assert {path.name for path in tmp_path.iterdir()} == {
        *("cells", "pictures", "grid.json", "grid.csv", "grid.html")
    }
    assert len(list((tmp_path / "pictures").glob("*.png"))) == 6


def test_a_later_report_replaces_the_pictures_of_an_earlier_one(tmp_path):
    store.save(tmp_path, measured())
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "9-old.png").write_bytes(b"")
    report.write(tmp_path, {})
    names = {path.name for path in (tmp_path / "pictures").iterdir()}
    assert names == {"1.1-reference-backlog.png", "1.1-reference-slot-time.png"}


def test_a_folder_without_cells_says_that_nothing_was_measured(tmp_path):
    assert "Nothing was measured." in report.write(tmp_path, {}).read_text()
