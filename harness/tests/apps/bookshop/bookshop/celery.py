"""The Celery application of a shop; its tasks are found in the parts installed."""

from celery import Celery
from kombu.transport.redis import Channel
from redis.exceptions import ConnectionError as Gone

from bookshop import settings

app = Celery("bookshop")
app.config_from_object("bookshop.settings", namespace="CELERY")
app.autodiscover_tasks(settings.INSTALLED)

# Celery 5.7 dies of a lost connection while it holds a message: kombu looks for the
# address of a connection that is gone, and that error is none it expects.
_parameters = Channel._connparams


def _parameters_if_any(channel, asynchronous=False):
    if channel.connection.client is None:
        raise Gone("the connection is closed")
    return _parameters(channel, asynchronous)


Channel._connparams = _parameters_if_any
