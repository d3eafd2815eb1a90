import json

import pytest
from socketio.packet import EVENT, Packet

from loadtests.bench import progress, subscribers
from loadtests.bench.subscribers import Seen


def told(count, late_s=0.01):
    """What one subscriber sees of a job with `count` reports."""
    words = [progress.WORDS[0]] * count + [progress.WORDS[1]]
    return [Seen(word, seq, late_s) for seq, word in enumerate(words, start=1)]


def test_subscribers_who_saw_everything_in_order_saw_no_gap():
    found = progress.judged([told(200), told(200, late_s=0.03)], 200)
    assert found["gap_free"]
    assert found["p99_s"] == pytest.approx(0.03)


@pytest.mark.parametrize(
    "damage",
    [
        lambda seen: seen.pop(3),
        lambda seen: seen.insert(3, seen[3]),
        lambda seen: seen.reverse(),
        lambda seen: seen.pop(),
    ],
    ids=["lost", "twice", "out of order", "no ending"],
)
def test_one_damaged_event_of_one_subscriber_is_a_gap(damage):
    seen = [told(20), told(20)]
    damage(seen[1])
    assert not progress.judged(seen, 20)["gap_free"]


def test_how_late_an_event_came_counts_from_the_moment_that_it_names():
    data = {"seq": 7, "timestamp": "2026-11-22T12:00:00.500000Z"}
    frame = "4" + Packet(EVENT, ["steering:progress", data]).encode()
    at = subscribers._when(data) + 0.25
    assert subscribers._read(at, frame) == Seen("steering:progress", 7, 0.25)
    assert json.loads(frame[2:])[1]["seq"] == 7
