import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from reference_app.patterns.single_flight import Flights


@pytest.fixture
def flights(client):
    return Flights(client)


def test_of_many_who_ask_at_once_one_runs(flights):
    def take(number):
        return flights.take("clean", holder=f"job-{number}", lasts_s=60)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(24))) == 1


def test_a_redelivered_run_gets_its_name_again_and_another_does_not(flights):
    assert flights.take("clean", holder="a", lasts_s=60)
    assert not flights.take("clean", holder="b", lasts_s=60)
    assert flights.take("clean", holder="a", lasts_s=60)
    assert flights.take("other", holder="b", lasts_s=60)


def test_what_is_given_back_is_free_and_who_lost_it_gives_nothing_back(flights):
    flights.take("clean", holder="a", lasts_s=60)
    flights.give_back("clean", holder="b")
    assert flights.holds("clean", holder="a")
    flights.give_back("clean", holder="a")
    assert not flights.holds("clean", holder="a")
    assert flights.take("clean", holder="b", lasts_s=60)


def test_one_that_never_came_back_keeps_others_away_for_so_long(flights):
    flights.take("clean", holder="a", lasts_s=0.2)
    assert not flights.take("clean", holder="b", lasts_s=60)
    threading.Event().wait(0.3)
    assert flights.take("clean", holder="b", lasts_s=60)
    flights.give_back("clean", holder="a")
    assert flights.holds("clean", holder="b")
