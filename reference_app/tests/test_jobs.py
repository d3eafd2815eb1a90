import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from sqlalchemy import text

from reference_app.jobs import REACHED_FROM, TERMINAL, Jobs, State


@pytest.fixture
def jobs(tmp_path):
    return Jobs(f"sqlite:///{tmp_path / 'deep' / 'jobs.db'}")


class JobLife(RuleBasedStateMachine):
    """Whatever is done to jobs, in whatever order, they move by the legal table."""

    ids = Bundle("ids")

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.jobs = Jobs(f"sqlite:///{Path(self.folder.name) / 'jobs.db'}")
        self.seen = {}

    def teardown(self):
        self.folder.cleanup()

    @rule(target=ids)
    def submit(self):
        job_id = f"job-{len(self.seen)}"
        self.jobs.create(job_id, "steering.compare", {"n": 1})
        self.seen[job_id] = [State.PENDING]
        return job_id

    @rule(job_id=ids)
    def start(self, job_id):
        attempt = self.jobs.start(job_id)
        assert (attempt == 1) == (self.seen[job_id][-1] is State.PENDING)

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
    assert sum(won) == 1


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


def test_many_processes_may_open_a_new_database_at_once(tmp_path):
    url = f"sqlite:///{tmp_path / 'jobs.db'}"
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _: Jobs(url), range(8)))
    stores[0].create("a", "steering.compare", {})
    assert stores[-1].get("a").state is State.PENDING


def test_sqlite_is_prepared_on_every_connection(jobs):
    with jobs._engine.connect() as connection:
        found = [
            connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "busy_timeout")
        ]
    assert found == ["wal", 1, 5000]
    assert jobs._engine.pool.status() == "NullPool"
