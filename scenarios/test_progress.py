"""What several people watching one job see while it works."""

import pytest


@pytest.mark.contract("progress.never-goes-back", "terminal.exactly-one")
def test_three_people_watch_one_job_and_nobody_sees_it_go_back(driver, history):
    job = driver.submit("compare", num_samples=64)
    for name in ("anna", "ben", "clara"):
        driver.subscribe(job, name=name)
    history.settle(job, within_s=30)


@pytest.mark.contract("progress.never-goes-back", "terminal.exactly-one")
def test_a_failing_job_does_not_fall_back_to_zero(driver, faults, history):
    job = driver.submit("long_compare")
    driver.subscribe(job)
    history.until(
        job, event="progress", where=lambda e: e["percent"] >= 25, within_s=20
    )
    faults.kill_child(job)
    history.settle(job, within_s=20)


@pytest.mark.contract("progress.never-goes-back", "result.ready-when-announced")
def test_a_sweep_reports_its_way_through_all_strengths(driver, history):
    job = driver.submit("sweep")
    driver.subscribe(job)
    history.settle(job, within_s=30)
