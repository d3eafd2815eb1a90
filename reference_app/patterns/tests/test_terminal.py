import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from reference_app.patterns.terminal import announce


def log(client, names):
    return [json.loads(fields[b"event"]) for _, fields in client.xrange(names["log"])]


def test_a_repeat_changes_nothing_and_gets_the_first_ending_back(client, names):
    # Given a job that has failed
    first, new = announce(client, {"kind": "failed"}, percent=-1, **names)
    assert new
    # When another process announces another ending
    again, new = announce(client, {"kind": "completed"}, percent=100, **names)
    # Then the first one stands, alone
    assert (again, new) == (first, False)
    assert log(client, names) == [{"seq": 1, "percent": -1, "kind": "failed"}]


def test_of_many_endings_at_once_exactly_one_is_announced(client, names):
    endings = [{"kind": kind, "by": by} for by in range(8) for kind in "abc"]
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda e: announce(client, e, **names), endings))
    assert sum(new for _, new in told) == 1
    assert len({json.dumps(event, sort_keys=True) for event, _ in told}) == 1
    assert len(log(client, names)) == 1


def test_subscribers_hear_the_ending_once(client, names):
    with client.pubsub() as pubsub:
        pubsub.subscribe(names["channel"])
        assert pubsub.get_message(timeout=5)["type"] == "subscribe"
        announce(client, {"kind": "completed"}, percent=100, **names)
        announce(client, {"kind": "completed"}, percent=100, **names)
        heard = json.loads(pubsub.get_message(timeout=5)["data"])
        assert heard == {"seq": 1, "percent": 100, "kind": "completed"}
        assert pubsub.get_message(timeout=0.05) is None


def test_without_a_percent_the_last_one_is_repeated(client, names):
    # What a reporter of progress leaves in the job's hash.
    client.hset(names["state"], mapping={"seq": 1, "percent": 42.5})
    event, _ = announce(client, {"kind": "cancelled"}, **names)
    assert (event["seq"], event["percent"]) == (2, 42.5)


def test_seq_does_not_go_back_after_redis_lost_the_log(client, names):
    event, _ = announce(client, {"kind": "completed"}, percent=100, floor=17, **names)
    assert event["seq"] == 18


def test_seq_goes_on_by_one_where_the_log_is_there(client, names):
    client.hset(names["state"], "seq", 2)
    event, _ = announce(client, {"kind": "completed"}, percent=100, floor=17, **names)
    assert event["seq"] == 3


def test_values_survive_as_they_are(client, names):
    result = {"text": 'é"\\n', "empty": [], "large": 1e20, "nested": {"a": None}}
    event, _ = announce(client, {"result": result}, percent=100, **names)
    assert event["result"] == result


def test_everything_expires(client, names):
    announce(client, {"kind": "completed"}, ttl_s=60, **names)
    assert 0 < client.ttl(names["state"]) <= 60
    assert 0 < client.ttl(names["log"]) <= 60


def test_an_empty_event_is_refused(client, names):
    with pytest.raises(ValueError, match="`event`"):
        announce(client, {}, **names)


def test_a_second_channel_hears_the_ending_once_with_the_same_numbers(client, names):
    also = ("old", {"status": "REVOKED"})
    with client.pubsub() as pubsub:
        pubsub.subscribe("old")
        assert pubsub.get_message(timeout=5)["type"] == "subscribe"
        for _ in range(2):
            announce(client, {"kind": "cancelled"}, **names, also=also)
        heard = json.loads(pubsub.get_message(timeout=5)["data"])
        assert pubsub.get_message(timeout=0.1) is None
    assert heard == {"seq": 1, "progress": -1, "status": "REVOKED"}
