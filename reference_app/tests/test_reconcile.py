import threading

import pytest

from reference_app import endings, events, reconcile
from reference_app.jobs import State
from reference_app.patterns.reconcile import Leases
from reference_app.settings import settings


@pytest.fixture
def reconciler(configured):
    return reconcile.Reconciler(configured(LEASE_SECONDS=0.2))


def let_leases_run_out():
    threading.Event().wait(0.25)


def test_a_job_whose_process_is_gone_is_failed_as_lost(reconciler, jobs):
    # Given a job that started and that nobody looks after
    jobs.create("a", "steering.compare", {})
    jobs.start("a")
    reconciler.run()
    assert jobs.get("a").state is State.STARTED  # one lease of grace
    # When its lease has run out
    let_leases_run_out()
    Leases(endings.client(), lease_s=0.2).lost([])
    reconciler.run()
    # Then it is ended and told
    job = jobs.get("a")
    assert (job.state, job.reason, job.announced) == (State.FAILED, "lost", True)


def test_what_was_not_announced_is_announced_once(reconciler, jobs):
    jobs.create("a", "steering.compare", {})
    jobs.start("a")
    jobs.finish("a", State.COMPLETED, result={})
    reconciler.run()
    reconciler.run()
    assert jobs.get("a").announced
    assert endings.client().xlen(events.names("a").log) == 1


def test_a_job_whose_sender_died_is_failed_as_not_published(
    reconciler, jobs, monkeypatch
):
    for job_id in ("sent", "unsent"):
        jobs.create(job_id, "steering.compare", {})
    jobs.mark_published("sent")
    monkeypatch.setattr(reconcile, "UNSENT_S", -1)
    reconciler.run()
    assert jobs.get("sent").state is State.PENDING
    assert jobs.get("unsent").reason == "not_published"


def test_without_redis_nothing_is_raised_and_nobody_is_lost(jobs, configured):
    jobs.create("a", "steering.compare", {})
    jobs.start("a")
    configured(EVENTS_URL="redis://127.0.0.1:1/0")
    reconcile.Reconciler(settings()).run_if_due()
    assert jobs.get("a").state is State.STARTED
