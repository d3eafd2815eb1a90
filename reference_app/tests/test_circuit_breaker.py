import pytest

from reference_app.circuit_breaker import Circuit, CircuitBreaker
from reference_app.jobs import State

RESET_AFTER_S = 60


@pytest.fixture
def circuit(jobs):
    return CircuitBreaker(jobs.engine, "steering", 3, RESET_AFTER_S)


@pytest.fixture
def end(jobs):
    """Record a job and end it."""
    numbers = iter(range(1000))

    def record(state=State.FAILED, reason="error", kind="steering.compare"):
        job_id = f"job-{next(numbers)}"
        jobs.create(job_id, kind, {})
        if reason != "not_published":
            jobs.start(job_id)
        reason = reason if state is State.FAILED else None
        assert jobs.finish(job_id, state, reason=reason)

    return record


def let_time_pass(jobs, seconds):
    """Let all that was, have been so much earlier."""
    with jobs.engine.begin() as connection:
        connection.exec_driver_sql(
            f"UPDATE jobs SET created_at = created_at - {seconds}, "
            f"ended_at = ended_at - {seconds}"
        )


def state(circuit):
    return circuit.status().state


def test_three_failures_in_a_row_open_it_until_some_time_has_passed(circuit, end, jobs):
    for count in range(3):
        assert (state(circuit), circuit.status().failures) == (Circuit.CLOSED, count)
        end()
    status = circuit.status()
    assert status.state is Circuit.OPEN
    assert 0 < status.retry_after_s <= RESET_AFTER_S
    let_time_pass(jobs, RESET_AFTER_S)
    assert state(circuit) is Circuit.HALF_OPEN
    assert circuit.status().retry_after_s == 0


@pytest.mark.parametrize(
    "reason", ["error", "soft_time_limit", "hard_time_limit", "lost", "unknown_task"]
)
def test_whatever_a_worker_did_wrong_counts(circuit, end, reason):
    for _ in range(3):
        end(reason=reason)
    assert state(circuit) is Circuit.OPEN


def test_a_completed_job_between_them_keeps_it_closed(circuit, end):
    for _ in range(2):
        end()
        end()
        end(State.COMPLETED)
    assert circuit.status().failures == 0


def test_what_says_nothing_about_steering_changes_nothing(circuit, end):
    end()
    end()
    end(reason="not_published")
    end(State.CANCELLED)
    end(kind="steeringwheel.turn")
    end(State.COMPLETED, kind="tasks.gan_tasks.train_tvae_task")
    assert (state(circuit), circuit.status().failures) == (Circuit.CLOSED, 2)
    end()
    assert state(circuit) is Circuit.OPEN


def test_a_reset_forgives_what_was_and_not_what_comes(circuit, end):
    for _ in range(3):
        end()
    circuit.reset()
    assert state(circuit) is Circuit.CLOSED
    circuit.reset()
    for _ in range(3):
        end()
    assert state(circuit) is Circuit.OPEN


def test_one_trial_at_a_time_decides(circuit, end, jobs):
    for _ in range(3):
        end()
    let_time_pass(jobs, RESET_AFTER_S)
    assert state(circuit) is Circuit.HALF_OPEN
    # While it waits or runs, others are kept out
    jobs.create("trial", "steering.compare", {})
    assert circuit.status().retry_after_s > 0
    jobs.start("trial")
    assert circuit.status().retry_after_s > 0
    # It fails: open again; the next one completes: closed
    jobs.finish("trial", State.FAILED, reason="error")
    assert state(circuit) is Circuit.OPEN
    let_time_pass(jobs, RESET_AFTER_S)
    assert state(circuit) is Circuit.HALF_OPEN
    end(State.COMPLETED)
    assert state(circuit) is Circuit.CLOSED


def test_a_trial_that_never_ends_does_not_keep_others_out_for_ever(circuit, end, jobs):
    for _ in range(3):
        end()
    let_time_pass(jobs, RESET_AFTER_S)
    assert state(circuit) is Circuit.HALF_OPEN
    jobs.create("trial", "steering.compare", {})
    assert circuit.status().retry_after_s > 0
    let_time_pass(jobs, RESET_AFTER_S)
    assert circuit.status().retry_after_s == 0


def test_a_threshold_of_zero_never_opens(jobs, end):
    off = CircuitBreaker(jobs.engine, "steering", 0, RESET_AFTER_S)
    for _ in range(5):
        end()
    assert state(off) is Circuit.CLOSED
