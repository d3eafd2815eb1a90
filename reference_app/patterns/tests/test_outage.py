from types import SimpleNamespace

import celery
import pytest
from celery.worker.consumer import consumer

from reference_app.patterns import outage


def step(worker):
    app = celery.Celery("test", set_as_current=False)
    outage.install(app)
    (step,) = app.steps["worker"]
    return step(worker)


def test_timers_go_on_between_two_tries_to_connect(monkeypatch):
    order = []
    monkeypatch.setattr(consumer, "maybe_shutdown", lambda: order.append("shutdown?"))
    hub = SimpleNamespace(fire_timers=lambda: order.append("timers"))
    worker = SimpleNamespace(hub=hub)
    step(worker).start(worker)
    consumer.maybe_shutdown()
    assert order == ["shutdown?", "timers"]


def test_a_shutdown_still_gets_through(monkeypatch):
    def shut_down():
        raise SystemExit

    monkeypatch.setattr(consumer, "maybe_shutdown", shut_down)
    worker = SimpleNamespace(hub=SimpleNamespace(fire_timers=pytest.fail))
    step(worker).start(worker)
    with pytest.raises(SystemExit):
        consumer.maybe_shutdown()


def test_celery_still_calls_it_where_we_look():
    # The name that is replaced must be the one that the consumer looks up.
    names = consumer.Consumer.ensure_connected.__code__.co_names
    assert "maybe_shutdown" in names


def test_an_unknown_celery_is_refused_loudly(monkeypatch):
    version = SimpleNamespace(major=6, minor=0)
    monkeypatch.setattr(celery, "VERSION", version)
    app = celery.Celery("test", set_as_current=False)
    with pytest.raises(outage.UnknownCelery, match=r"Celery 6\.0"):
        outage.install(app)
    assert not app.steps["worker"]
