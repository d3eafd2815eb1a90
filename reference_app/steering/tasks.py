"""The Celery side of steering: which function a message runs, and nothing else.

The limits are not here: they travel in the message, written by the API. The functions
are named, not imported: the API, which publishes by this module, needs no torch.
"""

from reference_app.broker import app
from reference_app.job_task import JobTask


class Compare(JobTask):
    """Run a comparison."""

    name = "steering.compare"
    function = "reference_app.steering.generate:compare"


class Sweep(JobTask):
    """Run a strength sweep."""

    name = "steering.sweep"
    function = "reference_app.steering.generate:sweep"


compare = app.register_task(Compare())
sweep = app.register_task(Sweep())
