"""Celery as it comes: no setting is changed, what is said of others is against this.

`ACKS_LATE=1` in the environment, as for the other workers of a grid, is the exception.
"""

import os

from celery import Celery

app = Celery("stock", broker=os.environ.get("CELERY_BROKER_URL", ""))
if os.environ.get("ACKS_LATE"):
    app.conf.task_acks_late = os.environ["ACKS_LATE"] == "1"
