"""What users meet at each stage of the migration: --stage before, mixed, ..."""

import pytest

pytestmark = [
    pytest.mark.stages("before", "mixed", "after", "rolled_back"),
    pytest.mark.contract(
        "terminal.exactly-one",
        "terminal.every-exit",
        "progress.never-goes-back",
        "result.ready-when-announced",
        "replay.late-subscriber",
    ),
]


def test_a_job_works_one_fails_and_one_is_cancelled(stage, rollout, driver, history):
    """One after the other, and whoever comes late is told the same."""
    early = []
    if stage == "rolled_back":
        early = [driver.submit("long_compare"), driver.submit("compare")]
        history.until(early[0], "journal.start", within_s=20)
        rollout.flip(on=False)
        for job in early:
            driver.subscribe(job)
    works = driver.submit("compare")
    driver.subscribe(works)
    history.settle(works, within_s=60)
    fails = driver.submit("compare", prompt="the whale " * 100)
    driver.subscribe(fails)
    history.settle(fails, within_s=60)
    unwanted = driver.submit("long_compare")
    driver.subscribe(unwanted)
    history.until(unwanted, "journal.start", within_s=60)
    history.until(unwanted, event="progress", within_s=5)
    driver.cancel(unwanted)
    history.settle(unwanted, within_s=20)
    for job in (*early, works, fails, unwanted):
        driver.subscribe(job, late=True)
        history.settle(job, within_s=20)
