import os
import signal
import threading
from types import SimpleNamespace

import celery
import pytest
from celery.worker.consumer import consumer
from kombu.message import Message

from reference_app.patterns import outage


def step(worker):
    app = celery.Celery("test", set_as_current=False)
    outage.install(app)
    (step,) = (s for s in app.steps["worker"] if s.__name__ == "TimersGoOn")
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


@pytest.mark.parametrize(
    ("done", "how"),
    [(outage.ack_log_error, "ack"), (outage.reject_log_error, "reject")],
)
def test_what_nobody_answers_is_said_and_let_through(done, how):
    def unanswered(**_):
        raise TimeoutError("nobody answers")

    said = []
    message = SimpleNamespace(delivery_tag="a", ack=unanswered, reject=unanswered)
    logger = SimpleNamespace(critical=lambda text, *_: said.append(text))
    with pytest.raises(TimeoutError):
        done(message, logger, (TimeoutError,))
    assert said == [f"Couldn't {how} %r: %r"]
    assert done.__name__ in dir(Message)


APP = """
import threading
from reference_app.patterns import outage

outage.install(app)
app.conf.update(
    broker_transport_options={"socket_timeout": 2.0, "socket_connect_timeout": 2.0},
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=True,
)

@app.task(name="late", acks_late=True)
def late():
    note("start")
    threading.Event().wait(1)

@app.task(name="next")
def following():
    note("next")
"""


@pytest.mark.real
def test_a_worker_whose_acknowledgement_met_a_frozen_redis_goes_on(workers):
    workers.define(APP)
    workers.start("--without-mingle", "--without-gossip", "--without-heartbeat")
    workers.send("late", job_id="a")
    assert workers.next_note() == "start"
    server = workers.client.info("server")["process_id"]
    os.kill(server, signal.SIGSTOP)
    threading.Event().wait(5)  # after one it acknowledges, after three it gives up
    os.kill(server, signal.SIGCONT)
    workers.send("next", job_id="b")
    notes = [workers.next_note()]
    while notes[-1] == "start":  # the same again
        notes.append(workers.next_note())
    assert notes[-1] == "next"
