import pathlib
import tempfile
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from sqlalchemy import text

from reference_app.jobs import REACHED_FROM, TERMINAL, Jobs, Path, State
from reference_app.patterns.submit_once import KeyReused


@pytest.fixture
def jobs(tmp_path):
    return Jobs(f"sqlite:///{tmp_path / 'deep' / 'jobs.db'}")


class JobLife(RuleBasedStateMachine):
    """Whatever is done to jobs, in whatever order, they move by the legal table."""

    ids = Bundle("ids")

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.jobs = Jobs(f"sqlite:///{pathlib.Path(self.folder.name) / 'jobs.db'}")
        self.seen = {}

    def teardown(self):
        self.folder.cleanup()

    @rule(target=ids)
    def submit(self):
        job_id = f"job-{len(self.seen)}"
        self.jobs.create(job_id, "steering.compare", {"n": 1}, attempts=2)
        self.seen[job_id] = [State.PENDING]
        return job_id

    @rule(job_id=ids, attempt=st.sampled_from([1, 2, 3]))
    def start(self, job_id, attempt):
        before = self.jobs.get(job_id)
        next_one = before.state is State.PENDING and attempt == before.attempt + 1
        started = self.jobs.start(job_id, attempt)
        assert (started and started.attempt) == (attempt if next_one else None)

    @rule(job_id=ids, attempt=st.sampled_from([1, 2]))
    def lose(self, job_id, attempt):
        before = self.jobs.get(job_id)
        again = self.jobs.try_again(job_id, attempt)
        assert again == (
            before.state is State.STARTED
            and before.attempt == attempt
            and before.lost == 0
            and before.cancel_requested_at is None
        )

    @rule(job_id=ids)
    def fail_for_now(self, job_id):
        before = self.jobs.get(job_id)
        if self.jobs.try_again(job_id, before.attempt, after_s=60):
            after = self.jobs.get(job_id)
            assert (after.retries, after.lost) == (before.retries + 1, before.lost)
            # Nobody sends or takes it before its time
            assert job_id not in {
                job.id
                for job in (
                    *self.jobs.to_publish(published=False),
                    *self.jobs.to_reserve(9),
                )
            }

    @rule(job_id=ids, attempt=st.sampled_from([1, 2]))
    def fail_an_attempt(self, job_id, attempt):
        before = self.jobs.get(job_id)
        if self.jobs.finish(job_id, State.FAILED, attempt=attempt):
            runs = before.state is State.STARTED and before.attempt == attempt
            next_one = before.state is State.PENDING and before.attempt == attempt - 1
            assert runs or next_one

    @rule(job_id=ids, state=st.sampled_from(sorted(TERMINAL)))
    def finish(self, job_id, state):
        before = self.jobs.get(job_id)
        done = self.jobs.finish(job_id, state, result={"by": "finish"})
        assert not (done and before.ended)
        if before.cancel_requested_at is not None and not before.ended:
            assert self.jobs.get(job_id).state is State.CANCELLED

    @rule(job_id=ids)
    def cancel(self, job_id):
        before = self.jobs.get(job_id)
        after = self.jobs.request_cancel(job_id)
        if before.state is State.PENDING:
            assert after.state is State.CANCELLED
        else:
            assert after.state is before.state
            assert after.ended or after.cancel_requested_at is not None

    @invariant()
    def states_move_by_the_table(self):
        for job in self.jobs.recent():
            seen, state = self.seen[job.id], job.state
            if state is not seen[-1]:
                assert seen[-1] in REACHED_FROM[state]
                assert seen[-1] not in TERMINAL
                seen.append(state)


JobLife.TestCase.settings = settings(
    max_examples=12, stateful_step_count=12, deadline=None
)
test_jobs_move_by_the_legal_table_whatever_happens = JobLife.TestCase


def test_an_unknown_job_is_none_and_cannot_be_moved(jobs):
    assert jobs.get("nobody") is None
    assert jobs.start("nobody") is None
    assert jobs.request_cancel("nobody") is None
    assert not jobs.finish("nobody", State.FAILED)


def test_of_many_endings_at_once_exactly_one_wins(jobs):
    jobs.create("a", "steering.compare", {})
    jobs.start("a")
    states = [State.COMPLETED, State.FAILED, State.CANCELLED] * 4
    with ThreadPoolExecutor(6) as pool:
        won = list(pool.map(lambda state: jobs.finish("a", state), states))
    assert sum(job is not None for job in won) == 1


def test_a_job_that_never_started_cannot_complete(jobs):
    jobs.create("a", "steering.compare", {})
    assert not jobs.finish("a", State.COMPLETED, result={})
    assert jobs.get("a").state is State.PENDING


def test_a_cancelled_job_keeps_no_result(jobs):
    jobs.create("a", "steering.compare", {})
    jobs.start("a")
    jobs.request_cancel("a")
    assert jobs.finish("a", State.COMPLETED, result={"text": "too late"})
    job = jobs.get("a")
    assert (job.state, job.result) == (State.CANCELLED, None)


def test_of_many_claims_at_once_exactly_one_runs(jobs):
    jobs.create("a", "steering.compare", {})
    with ThreadPoolExecutor(6) as pool:
        claims = list(pool.map(lambda _: jobs.start("a", 1), range(12)))
    assert claims.count(None) == 11
    (job,) = filter(None, claims)
    assert job.attempt == 1


def test_a_job_that_goes_one_way_cannot_be_claimed_on_the_other(jobs):
    jobs.create("a", "steering.compare", {})
    assert jobs.start("a", 1, Path.LOCAL) is None
    assert jobs.divert("a")
    assert jobs.start("a", 1, Path.CELERY) is None
    assert jobs.start("a", 1, Path.LOCAL).attempt == 1
    assert not jobs.divert("a")


def test_submits_with_one_key_at_once_get_one_job(jobs):
    def submit(number):
        return jobs.create(f"job-{number}", "steering.compare", {"n": 1}, key="k")

    with ThreadPoolExecutor(6) as pool:
        ids = set(pool.map(submit, range(12)))
    assert ids == {job.id for job in jobs.recent()}
    assert len(ids) == 1
    with pytest.raises(KeyReused, match=r"steering\.compare:k"):
        jobs.create("other", "steering.compare", {"n": 2}, key="k")


def test_the_key_of_a_refused_job_may_be_used_again(jobs):
    jobs.create("a", "steering.compare", {}, key="k")
    assert jobs.refuse("a", error="away", reason="not_published")
    assert jobs.create("b", "steering.compare", {}, key="k") == "b"


def test_a_job_that_runs_already_cannot_be_refused(jobs):
    jobs.create("a", "steering.compare", {})
    jobs.start("a", 1)
    assert not jobs.refuse("a", error="away", reason="not_published")
    assert jobs.get("a").state is State.STARTED


def test_many_processes_may_open_a_new_database_at_once(tmp_path):
    url = f"sqlite:///{tmp_path / 'jobs.db'}"
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _: Jobs(url), range(8)))
    stores[0].create("a", "steering.compare", {})
    assert stores[-1].get("a").state is State.PENDING


def test_sqlite_is_prepared_on_every_connection(jobs):
    with jobs.engine.connect() as connection:
        found = [
            connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "busy_timeout")
        ]
    assert found == ["wal", 1, 5000]
    assert jobs.engine.pool.status() == "NullPool"


def test_wishes_are_those_of_jobs_that_run_on(jobs):
    for name in ("unwanted", "wanted", "waiting", "over"):
        jobs.create(name, "steering.compare", {})
    for name in ("unwanted", "wanted", "over"):
        jobs.start(name)
    for name in ("unwanted", "waiting", "over"):
        jobs.request_cancel(name)
    jobs.finish("over", State.COMPLETED)
    asked_at = jobs.get("unwanted").cancel_requested_at
    ids = ["unwanted", "wanted", "waiting", "over", "nobody"]
    assert jobs.wishes(ids) == {"unwanted": asked_at}
