import pytest

from reference_app.patterns.backpressure import Backlog, Full


def test_below_the_mark_one_more_may_wait():
    Backlog(lambda: 9, most=10).check()


def test_at_the_mark_a_submit_is_told_when_to_come_again():
    with pytest.raises(Full, match="10 jobs wait already, and 10 may") as raised:
        Backlog(lambda: 10, most=10, retry_after_s=5).check()
    assert raised.value.retry_after_s == 5


def test_the_more_there_is_the_later_but_not_for_ever():
    def retry_after_s(waiting):
        with pytest.raises(Full) as raised:
            Backlog(lambda: waiting, most=10, retry_after_s=5).check()
        return raised.value.retry_after_s

    assert [retry_after_s(n) for n in (10, 30, 1000)] == [5, 15, 50]


def test_the_queue_of_a_real_redis_can_be_the_count(client):
    backlog = Backlog(lambda: client.llen("steering"), most=2)
    backlog.check()
    client.lpush("steering", "a", "b")
    with pytest.raises(Full):
        backlog.check()
    client.rpop("steering")
    backlog.check()


def test_a_mark_that_takes_nothing_is_refused():
    with pytest.raises(ValueError, match="`most` is 0"):
        Backlog(lambda: 0, most=0)
