from harness import cancel_view
from harness.tests.story import Story


def started_by_both() -> Story:
    """A user's job, as journal and ledger tell it."""
    story = Story().submitted("a", 0.0)
    return story.say("ledger.start", 0.9, "a", pid=10, role="child").started("a", 1.0)


def test_a_cancel_was_asked_for_before_it_was_answered():
    story = Story().say("driver.cancel", 2.0, "a", code=200, took_s=0.25)
    (cancel,) = story.history.of(kind="cancel")
    assert cancel_view.asked_t(cancel) == 1.75


def test_a_users_cancel_and_a_revoke_count_in_the_order_of_time():
    story = Story().submitted("a", 0.0).cancel("a", 2.0)
    story.say("agent.revoked", 1.0, "a", terminate=True)
    found = cancel_view.cancels(story.history.job("a"))
    assert [o.name for o in found] == ["agent.revoked", "driver.cancel"]


def test_where_any_job_has_a_journal_a_message_taken_in_vain_is_no_start():
    story = started_by_both().submitted("b", 0.5)
    story.say("ledger.start", 3.0, "b", pid=10, role="child")
    first, second = story.history.jobs
    assert [o.source for o in cancel_view.starts(first)] == ["journal"]
    assert cancel_view.starts(second) == cancel_view.runs(second) == []


def test_a_job_runs_until_its_own_end_or_its_process_s():
    job = started_by_both().cancel("a", 2.0).ended("a", 2.1).history.job("a")
    run = cancel_view.running(job, job.cancels[0])
    assert run is not None
    assert cancel_view.work_over(job, run).name == "journal.end"
    late = started_by_both().ended("a", 1.5).cancel("a", 2.0).history.job("a")
    assert cancel_view.running(late, late.cancels[0]) is None
    killed = started_by_both().gone(1.5).cancel("a", 2.0).history.job("a")
    assert cancel_view.running(killed, killed.cancels[0]) is None


def test_a_job_runs_from_when_its_process_took_it_up():
    """The cancel comes after that, and before its function begins."""
    story = Story().submitted("a", 0.0)
    story.say("ledger.start", 0.9, "a", pid=10, role="child").cancel("a", 0.95)
    job = story.started("a", 1.0).history.job("a")
    (start,) = cancel_view.starts(job)
    assert cancel_view.begun_t(job, start) == 0.9
    assert cancel_view.running(job, job.cancels[0]) is not None
    other = story.started("a", 2.0, pid=11).history.job("a")
    assert cancel_view.begun_t(other, cancel_view.starts(other)[1]) == 2.0


def test_what_the_main_process_reports_is_no_end_of_the_work():
    story = Story().submitted("a", 0.0)
    story.say("ledger.start", 1.0, "a", pid=10, role="child").cancel("a", 2.0)
    job = story.reported("a", 1.9, "revoked").history.job("a")
    run = cancel_view.running(job, job.cancels[0])
    assert run is not None
    assert cancel_view.own_end(run) is cancel_view.work_over(job, run) is None


def test_events_and_answers_tell_how_a_job_ended():
    story = Story().submitted("a", 0.0).subscribed("a", 0.1)
    story.event("a", "progress", 0.5).status("a", 0.6, "started")
    story.status("a", 1.1, "cancelled").event("a", "completed", 1.0)
    told = cancel_view.endings(story.history.job("a"))
    assert [cancel_view.word(o) for o in told] == ["completed", "cancelled"]


def test_who_was_sent_later_shows_that_a_worker_was_there():
    story = Story().submitted("a", 1.0).submitted("b", 2.0).submitted("c", 0.5)
    story.started("c", 4.0, pid=11).started("b", 5.0, pid=12)
    found = cancel_view.first_behind(story.history.job("a"), 3.0)
    assert (found.job, found.t) == ("b", 5.0)
    assert cancel_view.first_behind(story.history.job("a"), 6.0) is None
