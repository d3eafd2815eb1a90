"""All that a measured grid leaves behind: tables, pictures, and the page."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loadtests.grid import page, pictures, store
from loadtests.grid.summary import summarize


def write(out: Path, facts: Mapping[str, Any]) -> Path:
    """Write grid.json, grid.csv, pictures/ and grid.html of the cells kept in `out`.

    `facts` are told at the page's foot, as `page.render` says. Pictures of an earlier
    report are removed. Returns the page.

    Raises:
        ValueError: a kept cell cannot be read; the message names its file.
    """
    records = store.load(out)
    cells = summarize(records)
    panels = pictures.draw(cells)
    store.write_tables(out, records, facts)
    folder = out / "pictures"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    for panel in panels:
        for picture in panel.pictures:
            (folder / f"{picture.name}.png").write_bytes(picture.png)
    path = out / "grid.html"
    store.write(path, page.render(cells, panels, facts))
    return path
