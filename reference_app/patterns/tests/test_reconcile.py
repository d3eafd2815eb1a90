import threading

import pytest

from reference_app.patterns.reconcile import Leases

LEASE_S = 0.2


@pytest.fixture
def leases(client):
    return Leases(client, lease_s=LEASE_S)


def let_leases_run_out():
    threading.Event().wait(1.2 * LEASE_S)


def test_a_renewed_job_is_not_lost(leases):
    leases.lost([])
    leases.renew("a")
    assert leases.lost(["a"]) == []


def test_a_job_that_nobody_renews_is_lost_and_the_others_are_not(leases):
    leases.renew("a")
    leases.lost(["a", "b"])
    let_leases_run_out()
    leases.lost([])  # somebody looked: Redis was not away
    leases.renew("b")
    assert leases.lost(["a", "b"]) == ["a"]


def test_a_job_without_a_lease_gets_one_of_grace(leases):
    assert leases.lost(["a"]) == []
    let_leases_run_out()
    leases.lost([])
    assert leases.lost(["a"]) == ["a"]


def test_when_nobody_looked_every_lease_starts_anew(leases):
    leases.renew("a")
    leases.lost(["a"])
    let_leases_run_out()  # Redis was away, and the one who looks, too
    assert leases.lost(["a"]) == []
    let_leases_run_out()
    leases.lost([])
    assert leases.lost(["a"]) == ["a"]


def test_a_released_job_is_forgotten(leases, client):
    leases.renew("a")
    leases.release("a")
    assert client.zcard("leases") == 0
