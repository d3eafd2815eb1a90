"""A factory makes the application; the broker's address stands in the source."""

from celery import Celery
from kombu.transport.redis import Channel
from redis.exceptions import ConnectionError as Gone


def make_app():
    app = Celery("newsroom", broker="redis://10.0.0.7:6379/3", backend="rpc://")
    app.conf.update(
        task_default_queue="stories",
        task_routes={"newsroom.develop": {"queue": "photos"}},
        task_acks_late=True,
        task_soft_time_limit=8,
        task_time_limit=10,
        broker_transport_options={
            "visibility_timeout": 15,
            "unacked_restore_interval": 1,
            "unacked_restore_throttle": 1,
        },
        worker_prefetch_multiplier=1,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
    )
    app.task(publish, name="newsroom.publish")
    app.task(develop, name="newsroom.develop")
    return app


def publish(title):
    return title.upper()


def develop(photo, times=1):
    return [photo] * times


# Celery 5.7 dies of a lost connection while it holds a message.
_parameters = Channel._connparams


def _parameters_if_any(channel, asynchronous=False):
    if channel.connection.client is None:
        raise Gone("the connection is closed")
    return _parameters(channel, asynchronous)


Channel._connparams = _parameters_if_any

app = make_app()
