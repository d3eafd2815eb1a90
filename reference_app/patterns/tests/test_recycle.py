from types import SimpleNamespace

import celery
import pytest

from reference_app.patterns import recycle


class Hub:
    """As much of kombu's event loop as the bootsteps use."""

    def __init__(self):
        self.timers = []

    def call_repeatedly(self, every_s, function):
        self.timers.append((every_s, function))


def installed(install, *args, **options):
    """Return the bootstep that `install` adds to a new application."""
    app = celery.Celery("test", set_as_current=False)
    install(app, *args, **options)
    (step,) = app.steps["worker"]
    return step


def test_the_pool_is_looked_after_from_the_event_loop():
    hub, pool = Hub(), SimpleNamespace(maintain_pool=lambda: None)
    worker = SimpleNamespace(hub=hub, pool=pool)
    step = installed(recycle.install, every_s=0.1)(worker)
    step.start(worker)
    assert hub.timers == [(0.1, pool.maintain_pool)]


def test_without_an_event_loop_nothing_happens():
    worker = SimpleNamespace(hub=None, pool=None)
    step = installed(recycle.install)(worker)
    step.start(worker)


def test_an_unknown_celery_is_refused_loudly(monkeypatch):
    version = SimpleNamespace(major=6, minor=0)
    monkeypatch.setattr(celery, "VERSION", version)
    app = celery.Celery("test", set_as_current=False)
    with pytest.raises(recycle.UnknownCelery, match=r"Celery 6\.0"):
        recycle.install(app)
    assert not app.steps["worker"]
