import os
import signal
import threading

import pytest

from reference_app.patterns import late_ack
from reference_app.patterns.late_ack import Claims, Copy, Superseded

LEASE_S = 0.4


def let_the_lease_run_out():
    threading.Event().wait(1.2 * LEASE_S)


@pytest.fixture
def claims(client):
    return Claims(client, lease_s=LEASE_S)


def test_a_copy_of_a_running_job_is_told_when_to_come_again(client):
    claims = Claims(client, lease_s=60)
    claims.take("a")
    with pytest.raises(Copy, match="job a is held") as caught:
        claims.take("a")
    assert 55 < caught.value.again_in_s <= 60


def test_a_copy_of_a_done_job_is_told_so_for_good(claims):
    claims.done(claims.take("a"))
    let_the_lease_run_out()
    with pytest.raises(Copy, match="job a is done") as caught:
        claims.take("a")
    assert caught.value.again_in_s is None


def test_a_holder_that_renews_keeps_the_claim(claims):
    claim = claims.take("a")
    for _ in range(3):
        threading.Event().wait(LEASE_S / 2)
        claims.renew(claim)
    with pytest.raises(Copy):
        claims.take("a")


def test_a_holder_that_was_frozen_is_superseded_and_can_end_nothing(claims):
    older = claims.take("a")
    let_the_lease_run_out()
    newer = claims.take("a")
    assert newer.fence > older.fence
    for late in (claims.check, claims.renew, claims.done, claims.release):
        with pytest.raises(Superseded, match="job a, fence 1"):
            late(older)
    claims.check(newer)
    claims.done(newer)


def test_a_holder_that_was_frozen_but_not_replaced_goes_on(claims):
    claim = claims.take("a")
    let_the_lease_run_out()
    claims.check(claim)
    claims.renew(claim)
    claims.done(claim)


def test_after_the_end_the_claim_is_nobodys(claims):
    claim = claims.take("a")
    claims.done(claim)
    with pytest.raises(Superseded):
        claims.check(claim)


def test_a_claim_that_is_given_back_can_be_taken_at_once(claims):
    claims.release(claims.take("a"))
    assert claims.take("a").fence == 2


def test_a_broad_handler_does_not_swallow_that_it_is_superseded(claims):
    older = claims.take("a")
    let_the_lease_run_out()
    claims.take("a")

    def effect():
        try:
            claims.check(older)
        except Exception:  # noqa: BLE001 the subject
            return "written"

    with pytest.raises(Superseded):
        effect()


def test_claims_are_per_job_and_expire(claims, client):
    claims.take("a")
    claims.take("b")
    assert 0 < client.ttl("claim:a") <= 86_400


def test_the_visibility_timeout_is_above_the_longest_legal_run():
    conf = late_ack.conf(hard_limit_s=600, longest_pause_s=60)
    assert conf["broker_transport_options"]["visibility_timeout"] > 660
    assert conf["task_acks_late"] is True


APP = """
from reference_app.patterns.late_ack import Claims, Copy, conf

app.conf.update(conf(hard_limit_s=20))
claims = Claims(client, lease_s=1)

@app.task(bind=True, name="job")
def job(self):
    try:
        claim = claims.take(self.request.id)
    except Copy as copy:
        if copy.again_in_s is None:
            note("copy of a done job")
            return
        raise self.retry(countdown=copy.again_in_s, max_retries=None)
    note("start", claim.fence, os.getpid())
    client.blpop("go", timeout=20)
    claims.done(claim)
    note("done", claim.fence)
"""


@pytest.mark.real
def test_a_lost_process_is_replaced_and_a_copy_of_a_done_job_does_nothing(workers):
    workers.define(APP)
    workers.start()
    # Given a job whose process is lost
    workers.send("job", job_id="a")
    start, fence, pid = workers.next_note().split()
    assert (start, fence) == ("start", "1")
    os.kill(int(pid), signal.SIGKILL)
    # Then its message comes again, and runs when the lease has run out
    assert workers.next_note().startswith("start 2 ")
    workers.client.rpush("go", "on")
    assert workers.next_note() == "done 2"
    # And a further copy runs nothing
    workers.send("job", job_id="a")
    assert workers.next_note() == "copy of a done job"
    assert workers.client.llen("notes") == 0
