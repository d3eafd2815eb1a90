"""A page loses its connection and comes back."""

import pytest

from harness.driver import Driver
from harness.faults import client


@pytest.fixture
def stack(whole_stack):
    return whole_stack


@pytest.fixture
def page(whole_stack, history):
    """A subscriber that has heard something on its connection."""
    driver = Driver(whole_stack.target, whole_stack.urls.api, history)
    job = driver.submit("one")
    subscriber = driver.subscribe(job, name="anna")
    history.until(job, event="progress", within_s=10)
    yield subscriber
    driver.close()


def told(history, kind="injected"):
    (seen,) = history.of(source="fault", kind=kind)
    return seen


def test_a_lost_page_is_gone_for_the_server_and_comes_back(history, faults, page):
    with faults.disconnect(page) as bit:
        assert bit is True
        assert history.of(source="driver", kind="unsubscribed")[0]["dropped"] is True

    again = history.of(source="driver", kind="subscribed")[-1]
    assert (again["subscriber"], again["late"]) == ("anna+", True)
    history.until(page.job, where=lambda o: o.get("subscriber") == "anna+", within_s=10)
    assert told(history)["bit"] is True
    assert "before: 1 connections, 0 after" in told(history)["proof"]
    assert told(history, "healed")["subscriber"] == "anna+"


def test_a_page_comes_back_when_the_body_raises(history, faults, page):
    def body():
        with faults.disconnect(page):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        body()

    assert told(history, "healed")["subscriber"] == "anna+"


def test_a_page_that_had_left_is_not_lost(history, faults, page):
    page.unsubscribe()

    with faults.disconnect(page) as bit:
        assert bit is False

    assert told(history)["bit"] is False
    assert "before: 0 connections" in told(history)["proof"]


def test_a_connection_that_stays_is_no_loss(history, faults, page, monkeypatch):
    monkeypatch.setattr(client, "GONE_WITHIN_S", 0.1)
    monkeypatch.setattr(page, "drop", lambda: None)

    with faults.disconnect(page) as bit:
        assert bit is False

    assert "before: 1 connections, 1 after" in told(history)["proof"]
