"""One Chromium for all tests, and a page of a history in it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from harness.report.browser_tests.shown import Shown
from harness.report.html import render
from harness.report.tests.test_html import LAW, judged
from harness.tests.story import Story

#: No sandbox: CI runs as root. No network of its own. /dev/shm is small in containers.
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic"),
    *("--no-first-run", "--disable-background-networking", "--disable-sync"),
    "--disable-component-update",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start the machine's own Chromium; where there is none, the tests fail."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.fail("There is no Chromium here. Remedy: ci/browser.sh", pytrace=False)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    """Open an empty tab of 1400 x 1000 pixels; an error in the page fails the test."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    opened = context.new_page()
    said: list[str] = []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    yield opened
    context.close()
    assert said == []


@pytest.fixture
def show(tab: Page, tmp_path: Path) -> Callable[..., Shown]:
    """Open the report of stories, one test each."""

    def opened(*stories: Story, address: str = "") -> Shown:
        tests = [judged(s, LAW, test=f"t.py::test_{n}") for n, s in enumerate(stories)]
        path = tmp_path / "report.html"
        path.write_text(render(tests, name="a run"), encoding="utf-8")
        tab.goto(path.as_uri() + address)
        return Shown(tab)

    return opened
