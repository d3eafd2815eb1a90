import threading

from reference_app.leases import Keeper

WITHIN_S = 30


class Recorded:
    """Leases that write down what is asked of them; `renewing` runs in between."""

    def __init__(self, renewing=lambda: None):
        self.kept, self.asked, self.renewing = set(), threading.Event(), renewing

    def renew(self, lease):
        self.renewing()
        self.kept.add(lease)
        self.asked.set()

    def release(self, lease):
        self.kept.discard(lease)
        self.asked.set()


def test_what_is_held_is_renewed_and_released():
    leases = Recorded()
    with Keeper(leases, lease_s=0.03).held("a"):
        assert leases.asked.wait(WITHIN_S)
        assert leases.kept == {"a"}
    assert leases.kept == set()


def test_a_job_that_ends_before_its_first_renewal_asks_nobody():
    leases = Recorded()
    with Keeper(leases, lease_s=600).held("a"):
        pass
    assert not leases.asked.is_set()


def test_a_job_that_ends_during_a_renewal_leaves_no_lease():
    begun, ended, released = (threading.Event() for _ in range(3))

    def renewing():
        begun.set()
        assert ended.wait(WITHIN_S)

    leases = Recorded(renewing)
    leases.release = lambda lease: (leases.kept.discard(lease), released.set())
    with Keeper(leases, lease_s=0.03).held("a"):
        assert begun.wait(WITHIN_S)
    released.clear()  # that came before the renewal was done
    ended.set()
    assert released.wait(WITHIN_S)
    assert leases.kept == set()
