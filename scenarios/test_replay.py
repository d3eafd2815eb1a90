"""A page that comes late, or comes back: it sees what it missed, once."""

import pytest

from scenarios import kinds

late = pytest.mark.contract("replay.late-subscriber", "terminal.exactly-one")


@late
@kinds.short
def test_a_page_opened_mid_run_sees_what_it_missed(driver, history, short):
    job = driver.submit(short, **kinds.LONGER[short])
    driver.subscribe(job, name="early")
    history.until(job, event="progress", where=lambda e: e["percent"] > 25, within_s=20)
    driver.subscribe(job, name="late", late=True)
    history.settle(job, within_s=30)


@late
@kinds.short
def test_a_page_opened_after_the_end_sees_the_whole_story(driver, history, short):
    job = driver.submit(short)
    driver.subscribe(job, name="early")
    history.settle(job, within_s=20)
    driver.subscribe(job, name="late", late=True)
    history.settle(job, within_s=5)


@pytest.mark.contract("replay.after-reconnect", "progress.never-goes-back")
def test_a_page_that_lost_its_connection_has_everything_in_the_end(
    driver, faults, history
):
    job = driver.submit("long_compare")
    anna, ben = (driver.subscribe(job, name=name) for name in ("anna", "ben"))

    def ben_has(events):
        history.until(
            job,
            event="progress",
            where=lambda e: e["subscriber"] == ben.name and e["seq"] >= events,
            within_s=20,
        )

    ben_has(5)
    with faults.disconnect(anna):
        ben_has(8)
    history.settle(job, within_s=30)


@pytest.mark.contract("replay.after-reconnect", "progress.one-copy-per-replica")
def test_two_apis_serve_one_job_and_one_of_them_is_restarted(driver, faults, history):
    """Who watches the other one misses nothing, who watches this one comes back."""
    with faults.replica("api") as second:
        job = driver.submit("long_compare")
        anna = driver.subscribe(job, name="anna")
        for name in ("ben", "clara"):
            driver.subscribe(job, name=name, at=second)
        all_watch_t = history.now()
        history.until(
            job, event="progress", where=lambda e: e.t > all_watch_t, within_s=20
        )
        faults.api_restart()
        anna.again()
        history.settle(job, within_s=12)
