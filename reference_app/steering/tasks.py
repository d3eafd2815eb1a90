"""The Celery side of steering: which function a message runs, and nothing else.

The limits are not here: they travel in the message, written by the API. The functions
are named, not imported: the API, which publishes by this module, needs no torch.
"""

from reference_app.broker import app
from reference_app.job_task import JobTask, WithoutBroker
from reference_app.settings import settings


class Steering(JobTask):
    """What is the same for all jobs of steering."""

    abstract = True

    @property
    def without_broker(self) -> WithoutBroker:
        """Return what is set: only an operator knows what the API's machine can do."""
        return settings().steering_without_broker


class Compare(Steering):
    """Run a comparison."""

    name = "steering.compare"
    function = "reference_app.steering.generate:compare"


class Sweep(Steering):
    """Run a strength sweep."""

    name = "steering.sweep"
    function = "reference_app.steering.generate:sweep"


compare = app.register_task(Compare())
sweep = app.register_task(Sweep())
