import threading

import pytest

from reference_app import endings, events, reconcile
from reference_app.jobs import Path, State
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


def test_a_lease_that_a_lost_attempt_left_is_not_the_next_ones(reconciler, jobs):
    # Given a job whose worker saw that its process was gone, and put it back
    jobs.create("a", "steering.compare", {}, attempts=2)
    jobs.start("a")
    Leases(endings.client(), lease_s=0.2).renew(endings.lease_of("a", 1))
    endings.lose("a", 1)
    let_leases_run_out()
    reconciler.run()  # somebody looked: Redis was not away
    # When its second attempt has just begun, and has not renewed its lease yet
    jobs.start("a", 2)
    reconciler.run()
    # Then it is left alone
    assert (jobs.get("a").state, jobs.get("a").attempt) == (State.STARTED, 2)


def test_a_stand_in_looks_only_while_nobody_else_does(jobs, configured):
    settings = configured(RECONCILE_INTERVAL=0.2)
    beat = reconcile.Reconciler(settings)
    stand_in = reconcile.Reconciler(settings, stand_in=True)
    looked = []
    stand_in.run = lambda: looked.append("stand-in")
    beat.run_if_due()
    stand_in.run_if_due()
    assert looked == []
    threading.Event().wait(reconcile.MISSED_LOOKS * 0.2)
    stand_in.run_if_due()
    assert looked == ["stand-in"]


def test_a_local_job_is_lost_when_its_api_looks_after_it_no_more(reconciler, jobs):
    jobs.create("a", "steering.compare", {}, path=Path.LOCAL, attempts=2)
    jobs.start("a", 1, Path.LOCAL)
    reconciler.run()
    assert (jobs.get("a").state, jobs.get("a").attempt) == (State.PENDING, 1)
    jobs.start("a", 2, Path.LOCAL)
    reconciler.run()
    assert jobs.get("a").reason == "poison"


def test_what_was_not_announced_is_announced_once(reconciler, jobs):
    jobs.create("a", "steering.compare", {})
    jobs.start("a")
    jobs.finish("a", State.COMPLETED, result={})
    reconciler.run()
    reconciler.run()
    assert jobs.get("a").announced
    assert endings.client().xlen(events.names("a").log) == 1


def test_without_redis_nothing_is_raised_and_only_local_jobs_are_lost(jobs, configured):
    jobs.create("a", "steering.compare", {})
    jobs.start("a")
    jobs.create("local", "steering.compare", {}, path=Path.LOCAL)
    jobs.start("local", 1, Path.LOCAL)
    configured(EVENTS_URL="redis://127.0.0.1:1/0")
    reconcile.Reconciler(settings()).run_if_due()
    assert jobs.get("a").state is State.STARTED
    assert (jobs.get("local").reason, jobs.get("local").announced) == ("lost", True)
