"""The Celery side of rehearsals: which function a message runs."""

from reference_app.broker import app
from reference_app.job_task import JobTask


class Rehearse(JobTask):
    """Run a rehearsal."""

    name = "rehearsal.run"
    function = "reference_app.rehearsal.work:run"


rehearse = app.register_task(Rehearse())
