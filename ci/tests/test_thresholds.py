import json

import pytest

from ci.thresholds import THRESHOLDS, main, objections, read

SAID = """
["peer.value"]
at_least = 50
unit = "times"
seen = 80
machine = "two cores"
date = 2026-11-20
source = "make bench"
["efficiency.below_stock"]
at_most = 0.07
unit = "of the slots"
seen = 0.02
machine = "two cores"
date = 2026-11-20
source = "make bench"
"""


@pytest.fixture
def records(tmp_path):
    def write(**values):
        for name, record in values.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(record))
        return tmp_path

    return write


@pytest.fixture
def thresholds(tmp_path):
    path = tmp_path / "thresholds.toml"
    path.write_text(SAID)
    return path


GOOD = {"peer": {"value": 80.0}, "efficiency": {"below_stock": 0.05}}


def test_ratios_as_good_as_agreed_pass(records, thresholds, capsys):
    assert main([str(records(**GOOD)), str(thresholds)]) == 0
    assert "2 ratios" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"peer": {"value": 49.9}}, "peer.value is 49.9 times, at least 50"),
        ({"efficiency": {"below_stock": 0.08}}, "at most 0.07 was agreed"),
        ({"efficiency": {"value": 1}}, "does not say below_stock"),
    ],
)
def test_one_that_got_worse_blocks_and_is_named(records, thresholds, changed, told):
    (objection,) = objections(records(**(GOOD | changed)), thresholds)
    assert told in objection


def test_what_was_not_measured_blocks_and_says_how_to(records, thresholds, capsys):
    folder = records(peer=GOOD["peer"])
    assert main([str(folder), str(thresholds)]) == 1
    told = capsys.readouterr().out
    assert "efficiency.json is missing: run `make bench`" in told


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("at_least = 50\n", "", "needs one of at_least or at_most"),
        ('machine = "two cores"\n', "", "machine is not right"),
        ("date = 2026-11-20", 'date = "today"', "date is not right"),
        ("seen = 80", "seen = 10", "seen = 10 breaks it"),
        (SAID, "", "says no threshold"),
        (SAID, "[[", "Invalid"),
    ],
)
def test_thresholds_that_say_too_little_block(records, thresholds, old, new, told):
    thresholds.write_text(SAID.replace(old, new, 1))
    (objection,) = objections(records(**GOOD), thresholds)
    assert told in objection


def test_ours_are_complete():
    assert "peer.value" in read(THRESHOLDS)
