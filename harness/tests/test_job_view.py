from harness.tests.story import Story


def test_limits_come_from_the_target_by_kind_or_from_the_send():
    story = Story().submitted("a", 0.0).sent("p", 0.1, soft_s=1, hard_s=2)
    assert story.history.job("a").limits == (3.0, 5.0)
    assert story.history.job("p").limits == (1.0, 2.0)
    assert story.submitted("u", 0.2, kind="new").history.job("u").limits == (None, None)


def test_a_run_has_its_start_its_marks_and_its_end():
    story = Story().submitted("a", 0.0).started("a", 1.0).cleaned("a", 1.5)
    story.ended("a", 2.0, "soft_time_limit")
    (run,) = story.history.job("a").runs
    assert (run.start.t, run.how, run.pid) == (1.0, "soft_time_limit", 10)
    assert [mark["name"] for mark in run.marks] == ["cleanup"]


def test_retries_come_from_the_target_and_errors_from_the_ends():
    limits = {"fetch": {"retries": 2, "transient": ["Gone"]}}
    story = Story(limits=limits).submitted("a", 0.0, "fetch").submitted("b", 0.0)
    for n, how in enumerate(["raised:Gone", "failure:KeyError", "returned", "lost"]):
        story.started("a", 1.0 + n, pid=n + 1).ended("a", 1.5 + n, how, pid=n + 1)
    job = story.history.job("a")
    assert job.retries == (2, {"Gone"})
    assert story.history.job("b").retries == (0, frozenset())
    assert [run.error for run in job.runs] == ["Gone", "KeyError", None, None]


def test_two_attempts_in_two_processes_are_two_runs():
    story = Story().submitted("a", 0.0).started("a", 1.0, pid=10)
    story.started("a", 3.0, pid=11).ended("a", 4.0, pid=11)
    runs = story.history.job("a").runs
    assert [(run.pid, run.how) for run in runs] == [(10, None), (11, "returned")]


def test_the_journal_is_preferred_and_the_parents_report_kept():
    story = Story().submitted("a", 0.0)
    story.say("ledger.start", 0.9, "a", pid=10, role="child").started("a", 1.0)
    story.reported("a", 6.0, "hard_time_limit")
    (run,) = story.history.job("a").runs
    assert run.start.source == "journal"
    assert run.end is None
    assert run.parent_end["how"] == "hard_time_limit"


def test_a_worker_ran_it_where_its_witness_says_so_of_the_same_process():
    story = Story().submitted("a", 0.0)
    story.say("ledger.start", 0.9, "a", pid=10, role="child").started("a", 1.0)
    story.started("a", 2.0, pid=11)
    job = story.history.job("a")
    assert [job.by_worker(run) for run in job.runs] == [True, False]


def test_a_fault_belongs_to_the_job_whose_process_it_hit():
    story = Story().submitted("a", 0.0).submitted("b", 0.0)
    story.started("a", 1.0, pid=10).started("b", 1.0, pid=11)
    story.fault("kill_child", 2.0, pid=11).fault("noop", 2.0, "worker", pid=1)
    assert not story.history.job("a").faults
    assert [f["fault"] for f in story.history.job("b").faults] == ["kill_child"]
    assert story.history.job("b").runs[0].killed is not None
    assert story.history.job("a").runs[0].killed is None


def test_cancels_that_came_too_late_do_not_count():
    story = Story().submitted("a", 0.0).cancel("a", 1.0, "already_complete")
    assert not story.history.job("a").cancels
    assert story.cancel("a", 2.0).history.job("a").cancels


def test_a_subscriber_who_left_stopped_watching_then():
    story = Story().submitted("a", 0.0).subscribed("a", 0.1).subscribed("a", 0.2, "ben")
    story.say("driver.unsubscribed", 1.0, "a", subscriber="ben").watched(5.0)
    anna, ben = story.history.job("a").subscribers
    assert (anna.watched_until_s, ben.watched_until_s) == (5.0, 1.0)
