"""The flag of the migration is turned while there is work."""

import pytest

from scenarios import kinds


@pytest.mark.contract("fallback.flag-flip-loses-nothing")
def test_the_flag_is_turned_off_and_on_with_jobs_in_flight(
    rollout, driver, faults, history
):
    running = driver.submit("compare", num_samples=64)
    jobs = [running, driver.submit("compare"), driver.submit("compare")]
    history.until(running, "journal.start", within_s=20)
    rollout.flip(on=False, env=kinds.PATIENT)
    running = driver.submit("compare", num_samples=256)
    driver.subscribe(running)
    jobs += [running, driver.submit("compare")]
    history.until(running, "journal.mark", within_s=75)
    with faults.pause_child(running):  # it outlasts the time it is given
        rollout.flip(on=True)
    jobs.append(driver.submit("compare"))
    for job in jobs:
        driver.wait_for_state(job, within_s=100)
