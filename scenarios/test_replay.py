"""A page opened late: after the job started, and after it ended."""

import pytest

pytestmark = pytest.mark.contract("replay.late-subscriber", "terminal.exactly-one")


def test_a_page_opened_mid_run_sees_what_it_missed(driver, history):
    job = driver.submit("compare", num_samples=64)
    driver.subscribe(job, name="early")
    history.until(job, event="progress", where=lambda e: e["percent"] > 25, within_s=20)
    driver.subscribe(job, name="late", late=True)
    history.settle(job, within_s=30)


def test_a_page_opened_after_the_end_sees_the_whole_story(driver, history):
    job = driver.submit("compare")
    driver.subscribe(job, name="early")
    history.settle(job, within_s=20)
    driver.subscribe(job, name="late", late=True)
    history.settle(job, within_s=5)
