from concurrent.futures import ThreadPoolExecutor

import pytest

from reference_app.patterns.single_beat import Slots

EVERY_S = 60


@pytest.fixture
def slots(client):
    return Slots(client)


def let_pass(client, part):
    """Let this part of an interval pass for the slot, and for nobody else."""
    left_ms = client.pttl("slot:clean") - int(part * EVERY_S * 1000)
    if left_ms > 0:
        client.pexpire("slot:clean", left_ms)
    else:
        client.delete("slot:clean")


def test_of_many_schedulers_one_gets_the_slot(slots):
    def take(number):
        return slots.take("clean", 60, holder=f"job-{number}")

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(24))) == 1


def test_a_redelivered_job_gets_its_slot_again(slots):
    assert slots.take("clean", 60, holder="a")
    assert not slots.take("clean", 60, holder="b")
    assert slots.take("clean", 60, holder="a")


def test_the_next_slot_comes_a_little_before_its_time_and_not_earlier(slots, client):
    slots.take("clean", EVERY_S, holder="a")
    let_pass(client, 0.5)
    assert not slots.take("clean", EVERY_S, holder="b")
    let_pass(client, 0.4)
    assert slots.take("clean", EVERY_S, holder="c")


def test_two_schedulers_out_of_step_run_as_often_as_one(slots, client):
    taken = []
    for tick in range(8):  # two beats, half an interval apart
        if slots.take("clean", EVERY_S, holder=f"job-{tick}"):
            taken.append(tick)
        let_pass(client, 0.5)
    assert taken == [0, 2, 4, 6]


def test_runs_that_carry_the_moment_they_were_sent_lie_that_far_apart(slots):
    def take(sent_at_s, holder=None):
        holder = holder or f"sent at {sent_at_s}"
        return slots.take_sent("clean", 2.0, sent_at_s=sent_at_s, holder=holder)

    # One scheduler's all run, a little early or late; another one's between do not
    assert [take(at) for at in (1000, 1000.5, 1001.9, 1003.8)] == [1, 0, 1, 1]
    # nor does one whose clock is a little behind; a redelivered one still has its slot
    assert not take(1002.5, "late")
    assert take(1003.8)
    with pytest.raises(ValueError, match="every_s=0"):
        slots.take_sent("clean", 0, sent_at_s=1, holder="a")


def test_entries_do_not_share_slots(slots):
    assert slots.take("clean", 60, holder="a")
    assert slots.take("report", 60, holder="b")


def test_a_named_slot_has_one_taker_whatever_the_clocks_say(slots):
    assert slots.take_named("report", "2026-11-22", holder="a")
    assert not slots.take_named("report", "2026-11-22", holder="b")
    assert slots.take_named("report", "2026-11-22", holder="a")
    assert slots.take_named("report", "2026-11-23", holder="b")


def test_a_slot_can_be_given_back_by_its_holder_alone(slots):
    slots.take("clean", 60, holder="a")
    slots.give_back("clean", holder="b")
    assert not slots.take("clean", 60, holder="b")
    slots.give_back("clean", holder="a")
    assert slots.take("clean", 60, holder="b")


def test_slots_expire(slots, client):
    slots.take("clean", 60, holder="a")
    slots.take_named("report", "2026-11-22", holder="a", keep_s=100)
    assert 44 <= client.ttl("slot:clean") <= 45
    assert 99 <= client.ttl("slot:report:2026-11-22") <= 100


@pytest.mark.parametrize(
    ("every_s", "spacing"), [(0, 0.75), (-5, 0.75), (60, 0), (60, 1)]
)
def test_an_interval_that_cannot_hold_is_refused(slots, every_s, spacing):
    with pytest.raises(ValueError, match=f"every_s={every_s}, spacing={spacing}"):
        slots.take("clean", every_s, holder="a", spacing=spacing)


APP = """
from reference_app.patterns.single_beat import Slots

slots = Slots(client)
app.conf.beat_schedule = {"clean": {"task": "clean", "schedule": 1.0}}

@app.task(bind=True, name="clean")
def clean(self):
    note(slots.take("clean", 1.0, holder=self.request.id))
"""


@pytest.mark.real
def test_two_beats_make_one_run_per_slot(workers, tmp_path):
    workers.define(APP)
    for number in (1, 2):  # a beat in each worker, as `worker -B` twice makes them
        workers.start("-B", "-s", str(tmp_path / f"schedule-{number}"))
    notes = []
    # Both sent, the second one once it is up: about every second message is refused.
    while notes.count("True") < 6 or notes.count("False") < 3:
        notes.append(workers.next_note())
        assert notes[-1] is not None
        assert len(notes) < 40
