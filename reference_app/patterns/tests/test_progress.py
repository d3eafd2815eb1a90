import json

import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_app.patterns.progress import Progress

EVENT = {"kind": "progress"}


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class NoRedis:
    """A server that takes `answer_s` to fail; counts how often it was asked."""

    def __init__(self, clock: Clock, answer_s: float) -> None:
        self.clock, self.answer_s, self.asked = clock, answer_s, 0

    def evalsha(self, *args: object) -> int:
        self.asked += 1
        self.clock.now_s += self.answer_s
        raise redis.TimeoutError("frozen")


def log(client, names):
    return [json.loads(fields[b"event"]) for _, fields in client.xrange(names["log"])]


def test_percent_never_goes_back_and_seq_has_no_gap(client, names):
    @settings(max_examples=30, deadline=None)
    @given(st.lists(st.floats(0, 100), max_size=20))
    def check(percents):
        client.flushall()
        progress = Progress(client, every_s=0, **names)
        for percent in percents:
            assert progress.report(percent, EVENT)
        events = log(client, names)
        seen = [event["percent"] for event in events]
        assert seen == sorted(seen)
        assert [event["seq"] for event in events] == list(range(1, len(percents) + 1))

    check()


def test_nothing_is_added_after_the_ending(client, names):
    progress = Progress(client, every_s=0, **names)
    progress.report(10, EVENT)
    # What whoever ends the job leaves in its hash.
    client.hset(names["state"], "ending", "{}")
    assert not progress.report(20, EVENT, force=True)
    assert progress.closed
    assert [event["percent"] for event in log(client, names)] == [10]


def test_a_newer_attempt_starts_again_and_silences_the_older(client, names):
    older = Progress(client, every_s=0, attempt=1, **names)
    newer = Progress(client, every_s=0, attempt=2, **names)
    older.report(80, EVENT)
    newer.report(5, EVENT)
    assert not older.report(90, EVENT)
    assert [event["percent"] for event in log(client, names)] == [80, 5]


def test_reports_are_throttled_by_time_unless_forced(client, names):
    clock = Clock()
    progress = Progress(client, every_s=1, clock=clock, **names)
    assert progress.report(1, EVENT)
    assert not progress.report(2, EVENT)
    assert progress.report(3, EVENT, force=True)
    clock.now_s += 1
    assert progress.report(4, EVENT)


def test_a_frozen_redis_costs_the_job_about_a_second_in_all(names):
    clock = Clock()
    frozen = NoRedis(clock, answer_s=0.25)
    progress = Progress(frozen, every_s=0, budget_s=1, clock=clock, **names)
    spent_s = 0.0
    for _ in range(2000):  # a job that reports every 0.1 s for more than 3 minutes
        before_s = clock.now_s
        assert not progress.report(50, EVENT, force=True)
        spent_s += clock.now_s - before_s
        clock.now_s += 0.1
    assert spent_s <= 1.25


def test_a_refused_connection_is_tried_again_when_redis_is_back(client, names):
    clock = Clock()
    progress = Progress(client, every_s=0, clock=clock, **names)
    progress.report(10, EVENT)
    progress._client = NoRedis(clock, answer_s=0.001)
    for _ in range(600):
        progress.report(20, EVENT)
        clock.now_s += 0.1
    assert progress._client.asked < 30
    # Redis is back, and has forgotten everything
    client.flushall()
    progress._client = client
    clock.now_s += 5
    assert progress.report(15, EVENT)
    assert log(client, names) == [{"seq": 2, "percent": 20, "kind": "progress"}]


def test_a_second_channel_gets_its_own_words_with_the_same_numbers(client, names):
    def old_words(event):
        return "old", {"status": event["kind"].upper()}

    progress = Progress(client, **names, also=old_words)
    with client.pubsub() as pubsub:
        pubsub.subscribe("old")
        assert pubsub.get_message(timeout=5)["type"] == "subscribe"
        progress.report(30, EVENT)
        progress.report(20, EVENT, force=True)
        heard = [json.loads(pubsub.get_message(timeout=5)["data"]) for _ in range(2)]
    told = {"progress": 30, "status": "PROGRESS"}
    assert heard == [{"seq": 1, **told}, {"seq": 2, **told}]


def test_the_log_is_kept_for_its_time_after_any_report(client, names):
    progress = Progress(client, every_s=0, ttl_s=1000, **names)
    keys = names["state"], names["log"]
    progress.report(10, EVENT)
    for key in keys:
        client.expire(key, 800)  # a while has passed
    progress.report(20, EVENT)
    assert all(900 <= client.ttl(key) <= 1000 for key in keys)
