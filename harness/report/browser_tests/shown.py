"""A report in a browser: where its lanes and times are, and what it shows."""

import re

from playwright.sync_api import Locator, Page, expect

#: Pixels of the page's own layout: axis, height of a lane, names of lanes, right edge.
AXIS, LANE, NAMES, EDGE = 26, 28, 190, 8


class Shown:
    """One opened report; `whole` is the whole timeline of its first test."""

    def __init__(self, tab: Page) -> None:
        self.tab = tab
        self.whole = tab.locator(".timeline.whole").first
        self.crop = tab.locator(".timeline.crop").first
        self.detail = self.whole.locator(".detail")

    def drawn(self, timeline: Locator) -> Locator:
        """Return its view, once it is drawn."""
        timeline.scroll_into_view_if_needed()
        expect(timeline).to_have_attribute("data-drawn", re.compile(r"\d+"))
        return timeline.locator(".view")

    def window(self, timeline: Locator) -> tuple[float, float]:
        """Return the seconds from and to which it shows."""
        told = self.drawn(timeline).get_attribute("aria-description") or ""
        begin, end = re.findall(r"(-?[\d.]+) s", told)
        return float(begin), float(end)

    def lanes(self, count: int) -> None:
        """Expect so many lanes."""
        expect(self.whole).to_have_attribute("data-drawn", str(count))

    def point(self, lane: int, t: float) -> dict[str, float]:
        """Return where the whole timeline shows a time in a lane."""
        view = self.drawn(self.whole)
        width = view.evaluate("view => view.clientWidth")
        begin, end = self.window(self.whole)
        x = NAMES + (t - begin) / (end - begin) * (width - EDGE - NAMES)
        return {"x": x, "y": AXIS + (lane + 0.5) * LANE}

    def press(self, *keys: str) -> None:
        """Press keys in the whole timeline, which draws after each."""
        view = self.drawn(self.whole)
        for key in keys:
            view.press(key)
            self.tab.evaluate("new Promise(requestAnimationFrame)")
