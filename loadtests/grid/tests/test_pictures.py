import io

import pytest
from matplotlib import image

from loadtests.grid.pictures import draw
from loadtests.grid.summary import summarize
from loadtests.grid.tests.made import grid, measured


def is_drawn(picture):
    """Whether a picture is large, and more than its background."""
    assert picture.png.startswith(b"\x89PNG\r\n")
    pixels = image.imread(io.BytesIO(picture.png))
    height, width, _ = pixels.shape
    return height > 350 and width > 900 and pixels[..., :3].std() > 0.03


def names(records):
    panels = draw(summarize(records))
    pictures = [picture for panel in panels for picture in panel.pictures]
    assert all(is_drawn(picture) for picture in pictures)
    assert all(picture.reading and picture.alt for picture in pictures)
    return [picture.name for picture in pictures]


def test_a_grid_has_curves_maps_and_the_backlog():
    assert names(grid((1, 2), (1, 4), 2)) == [
        "1-throughput-curve",
        "1-wait-curve",
        "1.1-reference-throughput-map",
        "1.1-reference-efficiency-map",
        "1.1-reference-slot-time",
        "1.1-reference-backlog",
    ]


def test_the_maps_of_two_apps_stand_beside_each_other():
    found = names(grid((1,), (1, 4), 1) + grid((1,), (1, 4), 1, app="a $5$ _shop_"))
    assert found[2:6] == [
        "1.1-a-5-shop--throughput-map",
        "1.2-reference-throughput-map",
        "1.1-a-5-shop--efficiency-map",
        "1.2-reference-efficiency-map",
    ]


def test_one_cell_has_neither_a_curve_nor_a_map():
    assert names([measured()]) == ["1.1-reference-slot-time", "1.1-reference-backlog"]
    assert names([measured(backlog=[])]) == ["1.1-reference-slot-time"]


def test_other_work_is_another_panel():
    records = [measured(), measured(asked_s=0.5), measured(arrivals=9.0)]
    assert len(draw(summarize(records))) == 3


def test_more_series_than_colours_are_more_panels():
    cells = summarize(measured(app=f"app {n}", backlog=[]) for n in range(8))
    assert [len(panel.series) for panel in draw(cells)] == [4, 4]


@pytest.mark.parametrize(
    "said",
    [
        {"throughput": 0.0, "failures": {"lost": 3}, "app": "a very long name " * 9},
        {
            "asked_s": 0.0,
            "throughput": 400.0,
            "wait_s": {"p50": 0.0, "p95": 0.0, "p99": 0.0},
            "backlog": [(0.0, 0)],
        },
    ],
)
def test_what_is_unusual_can_be_drawn(said):
    assert names([measured(1, 1, **said), measured(1, 40, **said)])


def test_a_cell_that_was_not_measured_leaves_a_gap():
    assert len(names([measured(1, 1), measured(2, 2)])) == 6
