import time

import pytest
from playwright.sync_api import expect

from harness.report.tests.long_story import long_story
from harness.report.tests.test_html import EVIL, story_of
from harness.tests.story import Story

#: Seconds within which a page of 10,000 observations must be there; typical 0.5.
INTERACTIVE_WITHIN_S = 3.0

#: The colour of a canvas's corner, read from a copy that is made for reading.
CORNER = """view => {
  const reading = {willReadFrequently: true};
  const copy = document.createElement("canvas").getContext("2d", reading);
  copy.drawImage(view.querySelector("canvas"), 0, 0);
  return [...copy.getImageData(1, 1, 1, 1).data];
}"""


def busy_story() -> Story:
    """Lanes: job aaaa (two endings), anna, job bbbb, ben, child 77, harness."""
    story = Story().submitted("aaaa", 0.0).subscribed("aaaa", 0.1)
    story.started("aaaa", 1.0, pid=77).event("aaaa", "progress", 2.0, percent=40)
    story.submitted("bbbb", 0.5).subscribed("bbbb", 0.6, by="ben")
    for t in (4.0, 6.0):
        story.event("aaaa", "completed", t)
    story.event("bbbb", "completed", 7.0, by="ben")
    return story.watched(10.0)


def test_a_page_of_10000_observations_is_interactive_at_once(show):
    story = long_story()
    shown = show(story)  # rendered and loaded once, so that only loading is timed
    began = time.monotonic()
    shown.tab.reload()
    view = shown.drawn(shown.whole)
    view.hover(position=shown.point(1, 0.0))
    expect(shown.detail).to_contain_text("driver.submitted")
    took_s = time.monotonic() - began
    assert took_s < INTERACTIVE_WITHIN_S
    assert len(story.history.observations) == 10_000


def test_zooming_a_page_of_10000_observations_keeps_up_with_the_keys(show):
    shown = show(long_story())
    before = shown.window(shown.whole)
    began = time.monotonic()
    shown.press(*"++++++++++")
    assert time.monotonic() - began < INTERACTIVE_WITHIN_S
    after = shown.window(shown.whole)
    assert (after[1] - after[0]) < (before[1] - before[0]) / 50


def test_hovering_a_mark_shows_the_whole_observation(show):
    shown = show(busy_story())
    shown.drawn(shown.whole).hover(position=shown.point(1, 2.0))
    expect(shown.detail).to_be_visible()
    for words in ("driver.event", "2.000000 s", "line", "aaaa", "percent", "40"):
        expect(shown.detail).to_contain_text(words)
    shown.drawn(shown.whole).hover(position=shown.point(1, 3.0))
    expect(shown.detail).not_to_contain_text("percent")  # now the bar of the watcher
    shown.drawn(shown.whole).hover(position=shown.point(5, 3.0))
    expect(shown.detail).to_be_hidden()


def test_marks_that_cover_each_other_are_counted(show):
    story = Story().submitted("a", 0.0).subscribed("a", 0.1)
    for step in range(4):
        story.event("a", "progress", 5.0 + step / 1000, percent=step)
    shown = show(story.watched(10.0))
    shown.drawn(shown.whole).hover(position=shown.point(1, 5.0))
    expect(shown.detail).to_contain_text("3 more marks: zoom in")


def test_a_run_says_from_when_to_when(show):
    shown = show(busy_story())
    shown.drawn(shown.whole).hover(position=shown.point(0, 3.0))
    expect(shown.detail).to_contain_text("1.000 s to 10.000 s (9.000 s)")


def test_a_verdict_leads_to_its_marks_and_back(show):
    shown = show(busy_story())
    shown.tab.get_by_role("link", name="marks", exact=True).click()
    expect(shown.detail).to_contain_text("completed")
    begin, end = shown.window(shown.whole)
    assert 0.5 < begin < 4.0 < 6.0 < end < 9.0
    shown.detail.get_by_role("link", name="terminal.exactly-one").click()
    expect(shown.tab.locator("article:target")).to_contain_text("anna saw 2 endings")


def test_a_line_of_evidence_leads_to_its_mark(show):
    shown = show(busy_story())
    link = shown.tab.locator(".evidence a").last
    line = link.inner_text()
    link.click()
    expect(shown.detail).to_contain_text(f"{line} of history.jsonl")
    assert shown.tab.url.endswith(f"#t0-line-{line}")


def test_an_address_with_a_line_opens_there(show):
    shown = show(story_of(1), story_of(2), address="#t0-line-3")
    second = shown.tab.locator("#t0 .timeline.whole")
    expect(second.locator(".detail")).to_contain_text("3 of history.jsonl")


def test_the_crop_shows_the_failure_only(show):
    shown = show(busy_story())
    begin, end = shown.window(shown.crop)
    assert 3.0 < begin < 4.0 < 6.0 < end < 7.0
    expect(shown.crop).to_have_attribute("data-drawn", "3")  # job, anna, child


def test_filters_by_job_lane_and_evidence(show):
    shown = show(busy_story())
    shown.drawn(shown.whole)
    shown.lanes(6)
    tools = shown.whole.locator(".tools")
    tools.get_by_label("Job").select_option("bbbb")
    shown.lanes(2)
    tools.get_by_label("Job").select_option("all jobs")
    tools.get_by_role("searchbox").fill("ben")
    shown.lanes(1)
    tools.get_by_role("searchbox").fill("")
    tools.get_by_label("only evidence").check()
    shown.lanes(2)


def test_a_kind_that_is_switched_off_is_not_there(show):
    shown = show(busy_story())
    point = shown.point(3, 7.0)
    shown.drawn(shown.whole).hover(position=point)
    expect(shown.detail).to_contain_text("driver.event")
    shown.whole.get_by_label("ending").uncheck()
    shown.drawn(shown.whole).hover(position={**point, "y": point["y"] + 1})
    expect(shown.detail).to_contain_text("driver.subscribed")  # the bar behind it


def test_a_link_to_a_hidden_mark_lifts_the_filters(show):
    shown = show(busy_story())
    shown.drawn(shown.whole)
    shown.whole.get_by_label("ending").uncheck()
    shown.tab.locator(".evidence a").first.click()
    expect(shown.detail).to_contain_text("completed")
    expect(shown.whole.get_by_label("ending")).to_be_checked()


def test_keys_zoom_move_and_fit(show):
    shown = show(busy_story())
    first = shown.window(shown.whole)
    shown.press("+")
    zoomed = shown.window(shown.whole)
    assert zoomed[0] > first[0]
    assert zoomed[1] < first[1]
    shown.press("ArrowRight")
    moved = shown.window(shown.whole)
    assert moved[0] > zoomed[0]
    shown.press("0")
    assert shown.window(shown.whole) == first


def test_keys_step_through_marks_and_evidence(show):
    shown = show(busy_story())
    shown.press("n", "n")
    expect(shown.detail).to_contain_text("2 of history.jsonl")
    shown.press("p")
    expect(shown.detail).to_contain_text("1 of history.jsonl")
    shown.press("e")
    expect(shown.detail).to_contain_text("evidence of terminal.exactly-one")
    shown.press("Escape")
    expect(shown.detail).to_be_hidden()


def test_the_wheel_zooms_where_the_pointer_is(show):
    shown = show(busy_story())
    view = shown.drawn(shown.whole)
    point = shown.point(5, 8.0)
    view.hover(position=point)
    shown.tab.keyboard.down("Control")
    shown.tab.mouse.wheel(0, -600)
    shown.tab.keyboard.up("Control")
    shown.tab.evaluate("new Promise(requestAnimationFrame)")
    begin, end = shown.window(shown.whole)
    assert end - begin < 5.0
    # Both points are whole pixels; zooming makes the rounding of the first larger.
    assert abs(shown.point(5, 8.0)["x"] - point["x"]) < 5


def test_dragging_moves_the_time(show):
    shown = show(busy_story())
    shown.press("+", "+")
    before = shown.window(shown.whole)
    box = shown.drawn(shown.whole).bounding_box()
    mouse = shown.tab.mouse
    mouse.move(box["x"] + 700, box["y"] + 60)
    mouse.down()
    mouse.move(box["x"] + 600, box["y"] + 60, steps=4)
    mouse.up()
    shown.tab.evaluate("new Promise(requestAnimationFrame)")
    assert shown.window(shown.whole)[0] > before[0]


def test_a_closed_test_is_drawn_when_it_is_opened(show):
    shown = show(story_of(1), story_of(2))
    closed = shown.tab.locator("#t0")
    assert closed.locator(".timeline canvas").count() == 0
    closed.locator("summary").click()
    expect(closed.locator(".view > canvas")).to_be_visible()


def test_light_and_dark_follow_the_machine_and_the_switch(show):
    shown = show(story_of(2))
    colour = "getComputedStyle(document.body).backgroundColor"
    light = shown.tab.evaluate(colour)
    shown.tab.emulate_media(color_scheme="dark")
    dark = shown.tab.evaluate(colour)
    assert light != dark
    shown.tab.get_by_role("button", name="Dark or light").click()
    assert shown.tab.evaluate(colour) == light


def test_the_canvas_follows_the_theme(show):
    shown = show(story_of(2))
    view = shown.drawn(shown.whole)
    light = view.evaluate(CORNER)
    shown.tab.get_by_role("button", name="Dark or light").click()
    shown.tab.evaluate("new Promise(requestAnimationFrame)")
    dark = view.evaluate(CORNER)
    assert sum(light[:3]) > sum(dark[:3])


@pytest.mark.parametrize("width", [1400, 800, 400])
def test_the_page_fits_its_window(show, width):
    shown = show(busy_story())
    shown.tab.set_viewport_size({"width": width, "height": 900})
    shown.drawn(shown.whole)
    assert shown.tab.evaluate("document.documentElement.scrollWidth") <= width


def test_the_command_can_be_copied(show):
    shown = show(story_of(2))
    shown.tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    shown.tab.locator(".copy").first.click()
    expect(shown.tab.locator(".copy").first).to_have_text("Copied")
    told = shown.tab.evaluate("navigator.clipboard.readText()")
    assert told == 'pytest "t.py::test_0"'


def test_hostile_words_do_not_run(show):
    story = Story().submitted(EVIL, 0.0).subscribed(EVIL, 0.1, by=EVIL)
    for t in (1.0, 2.0):
        story.event(EVIL, "completed", t, by=EVIL, message=EVIL)
    shown = show(story.watched(4.0))
    shown.press("n", "n", "n", "n")
    expect(shown.detail).to_contain_text(EVIL)
    assert shown.tab.locator("img").count() == 0
    assert "hurt" not in shown.tab.title()


def test_nothing_is_asked_of_the_network(tab, show):
    asked = []
    tab.on("request", lambda request: asked.append(request.url))
    shown = show(busy_story())
    shown.drawn(shown.whole)
    assert [url for url in asked if not url.startswith("file:")] == []
    assert len(asked) == 1


def test_on_paper_every_lane_is_drawn_and_the_controls_are_gone(show):
    shown = show(long_story(9_000))
    view = shown.drawn(shown.whole)
    shown.tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    height = view.evaluate("view => view.querySelector('canvas').clientHeight")
    assert height > 375 * 28  # three lanes per job
    shown.tab.emulate_media(media="print")
    expect(shown.whole.locator(".tools")).to_be_hidden()
    shown.tab.emulate_media(media="screen")
    shown.tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert view.evaluate("view => view.querySelector('canvas').clientHeight") < 1000
