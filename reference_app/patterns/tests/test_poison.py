from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from reference_app.patterns.poison import NotQuarantined, Poison, Poisoned

MESSAGE = {"task": "train", "args": ["machine-7", 1e20, []], "queue": "gan"}


def starts(poison, job_id="a"):
    """Return the numbers of the starts that are allowed from now on."""
    numbers = []
    with pytest.raises(Poisoned, match=job_id):
        begin_for_ever(poison, job_id, numbers)
    return numbers


def begin_for_ever(poison, job_id, numbers):
    while True:
        numbers.append(poison.begin(job_id, MESSAGE))


def test_the_starts_are_bounded_and_then_the_job_lies_in_quarantine(client):
    poison = Poison(client, limit=3)
    assert starts(poison) == [1, 2, 3]
    (entry,) = poison.quarantine()
    assert (entry.job_id, entry.message) == ("a", MESSAGE)
    assert entry.reason == "started 3 times and never came to an end"
    assert entry.at_s > 1.7e9


def test_every_further_copy_is_refused_and_listed_once(client):
    poison = Poison(client, limit=1)
    starts(poison)
    (first,) = poison.quarantine()
    for _ in range(3):
        with pytest.raises(Poisoned):
            poison.begin("a", MESSAGE)
    assert poison.quarantine() == [first]


def test_of_many_workers_at_once_only_the_limit_begin(client):
    poison = Poison(client, limit=3)

    def begin(_):
        try:
            return poison.begin("a", MESSAGE)
        except Poisoned:
            return 0

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(begin, range(24))) == [0] * 21 + [1, 2, 3]


def test_a_job_that_ends_is_forgotten_and_others_are_not_counted(client):
    poison = Poison(client, limit=2)
    poison.begin("a", MESSAGE)
    poison.begin("b", MESSAGE)
    poison.ended("a")
    assert starts(poison, "a") == [1, 2]
    assert starts(poison, "b") == [2]


def test_a_released_job_may_start_as_often_again_and_one_alone_gets_it(client):
    poison = Poison(client, limit=2)
    starts(poison)
    assert poison.release("a").message == MESSAGE
    assert poison.quarantine() == []
    with pytest.raises(NotQuarantined, match="a: No such job"):
        poison.release("a")
    assert starts(poison) == [1, 2]


def test_releasing_a_job_that_is_not_there_changes_nothing(client):
    poison = Poison(client, limit=2)
    poison.begin("a", MESSAGE)
    with pytest.raises(NotQuarantined):
        poison.release("a")
    assert poison.begin("a", MESSAGE) == 2


def test_the_oldest_comes_first_and_counts_expire(client):
    poison = Poison(client, limit=1, ttl_s=60)
    for job_id in ("c", "a", "b"):
        starts(poison, job_id)
    found = [(entry.at_s, entry.job_id) for entry in poison.quarantine()]
    assert found == sorted(found)
    assert len(found) == 3
    assert 0 < client.ttl("poison:starts:a") <= 60


def test_without_redis_nothing_is_counted_and_nothing_runs():
    poison = Poison(redis.Redis(port=1, retry=Retry(NoBackoff(), 0)))
    with pytest.raises(redis.RedisError):
        poison.begin("a", MESSAGE)


def test_a_limit_without_a_start_is_refused(client):
    with pytest.raises(ValueError, match="limit=0"):
        Poison(client, limit=0)


APP = """
import signal
from reference_app.patterns.poison import Poison, Poisoned

poison = Poison(client, limit=3)
app.conf.update(task_acks_late=True, task_reject_on_worker_lost=True)

@app.task(bind=True, name="suicide")
def suicide(self):
    message = {"task": self.name, "args": []}
    try:
        note("start", poison.begin(self.request.id, message))
    except Poisoned as error:
        note(error)
        return
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.real
def test_a_worker_starts_a_job_that_kills_it_three_times_and_goes_on(workers):
    workers.define(APP)
    workers.start()
    workers.send("suicide", job_id="a")
    notes = [workers.next_note() for _ in range(4)]
    assert notes[:3] == ["start 1", "start 2", "start 3"]
    assert notes[3].startswith("job a: started 3 times")
    (entry,) = Poison(workers.client).quarantine()
    assert entry.message["task"] == "suicide"
    # The message is gone, and the worker takes the next one.
    workers.send("suicide", job_id="b")
    assert workers.next_note() == "start 1"
