import json

import pytest

from reference_app.patterns import outbox
from reference_app.patterns.outbox import Outbox


class Clock:
    now_s = 50.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def box(client, clock):
    return Outbox(client, queues=["steering", "gan"], apart_s=2.0, clock=clock)


def put(client, queue, *ids):
    for job_id in ids:
        client.lpush(queue, json.dumps({"headers": {"id": job_id}, "body": ""}))


def hold(client, job_id):
    message = [{"headers": {"id": job_id}}, "", "steering"]
    client.hset("unacked", f"tag-{job_id}", json.dumps(message))


def sweep(box, waiting=(), unconfirmed=()):
    sent = []
    again = box.sweep(waiting=waiting, unconfirmed=unconfirmed, send=sent.append)
    return sent, again


def test_what_was_not_confirmed_is_sent(box):
    assert sweep(box, unconfirmed=["a", "b"]) == (["a", "b"], [])


def test_what_is_nowhere_on_two_looks_is_sent_again(box, client, clock):
    put(client, "steering", "a")
    assert sweep(box, waiting=["a", "lost"]) == ([], [])
    clock.now_s += 2.0
    assert sweep(box, waiting=["a", "lost"]) == (["lost"], ["lost"])
    # It is then missed anew, not at once.
    assert sweep(box, waiting=["a", "lost"]) == ([], [])


def test_what_waits_in_any_queue_or_in_a_workers_hands_is_left_alone(
    box, client, clock
):
    put(client, "steering", *(f"s-{n}" for n in range(outbox.PAGE + 3)))
    put(client, "gan", "g")
    hold(client, "h")
    for _ in range(3):
        assert sweep(box, waiting=["s-0", "s-502", "g", "h"]) == ([], [])
        clock.now_s += 2.0


def test_a_message_between_queue_and_hands_at_one_look_is_not_given_up(
    box, client, clock
):
    sweep(box, waiting=["a"])
    clock.now_s += 1.0
    hold(client, "a")
    assert sweep(box, waiting=["a"]) == ([], [])
    client.delete("unacked")
    clock.now_s += 1.5
    assert sweep(box, waiting=["a"]) == ([], [])  # missed since just now


def test_what_was_claimed_in_between_is_forgotten(box, clock):
    sweep(box, waiting=["a"])
    sweep(box, waiting=[])
    clock.now_s += 5.0
    assert sweep(box, waiting=["a"]) == ([], [])


def test_messages_of_others_do_no_harm(box, client, clock):
    client.lpush("steering", "garbage", "[]", '{"headers": null}')
    sweep(box, waiting=["a"])
    clock.now_s += 2.0
    assert sweep(box, waiting=["a"])[0] == ["a"]


def test_when_sending_fails_the_job_is_lost_still(box, clock):
    def away(job_id):
        raise ConnectionError("refused")

    sweep(box, waiting=["a"])
    clock.now_s += 2.0
    with pytest.raises(ConnectionError):
        box.sweep(waiting=["a"], unconfirmed=[], send=away)
    assert sweep(box, waiting=["a"])[0] == ["a"]
