"""A Flask application made by a factory, with Celery as Flask's manual shows it."""

from celery import Celery, Task
from flask import Flask
from kombu.transport.redis import Channel
from redis.exceptions import ConnectionError as Gone


def create_app():
    app = Flask(__name__)
    app.config["ROOM"] = "blue"
    app.config["CELERY"] = {
        "broker_url": "redis://localhost:1/0",
        "result_backend": "redis://localhost:1/0",
        "task_ignore_result": True,
        "task_acks_late": True,
        "task_time_limit": 10,
        "task_soft_time_limit": 8,
        "broker_transport_options": {
            "visibility_timeout": 15,
            "unacked_restore_interval": 1,
            "unacked_restore_throttle": 1,
        },
        "worker_prefetch_multiplier": 1,
        "worker_concurrency": 2,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
    }
    with_celery(app)

    @app.get("/")
    def index():
        return app.config["ROOM"]

    return app


def with_celery(app):
    class InContext(Task):
        def __call__(self, *args, **kwargs):
            with app.app_context():
                return self.run(*args, **kwargs)

    celery = Celery(app.name, task_cls=InContext)
    celery.config_from_object(app.config["CELERY"])
    celery.set_default()
    app.extensions["celery"] = celery


# Celery 5.7 dies of a lost connection while it holds a message.
_parameters = Channel._connparams


def _parameters_if_any(channel, asynchronous=False):
    if channel.connection.client is None:
        raise Gone("the connection is closed")
    return _parameters(channel, asynchronous)


Channel._connparams = _parameters_if_any
