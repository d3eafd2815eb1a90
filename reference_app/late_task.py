"""A task without a job's row, such as beat sends: its message is kept until it is done.

What a row does for a job, Redis does here: a worker that dies gives the message back
(late acknowledgement), a copy of a message does nothing, and a message that takes each
of its processes with it is set aside and says why. Its work must bear being repeated.
"""

import logging
from typing import Any

from celery import Task
from celery.exceptions import Ignore

from reference_app import endings
from reference_app.patterns.late_ack import Claims, Copy
from reference_app.patterns.poison import Poison, Poisoned

log = logging.getLogger(__name__)

#: Seconds such a task may take. The visibility timeout must be longer: every message
#: that a dying worker held waits for that.
SOFT_S, HARD_S = 15, 20

#: Seconds that a message is one process's. Nobody renews: who lives has ended by then.
LEASE_S = HARD_S + 5.0

#: How often a message is started that has lost its process each time before.
STARTS = 3


class LateTask(Task):
    """A task that is acknowledged when it is done; give its name and its `work`."""

    abstract = True
    acks_late = True
    reject_on_worker_lost = True
    soft_time_limit, time_limit = SOFT_S, HARD_S

    def work(self, *args: Any, **options: Any) -> Any:
        """Do what the task is for."""
        raise NotImplementedError

    def run(self, *args: Any, **options: Any) -> Any:
        """Do the work, unless this message is a copy or is set aside.

        Raises:
            celery.exceptions.Ignore: there is nothing to do.
            celery.exceptions.Retry: another process may still do it; look again later.
            redis.RedisError: nobody knows; nothing was done.
        """
        client, task_id = endings.client(), self.request.id
        claims = Claims(client, lease_s=LEASE_S)
        starts = Poison(client, limit=STARTS)
        try:
            claim = claims.take(task_id)
        except Copy as copy:
            if copy.again_in_s is None:
                raise Ignore(str(copy)) from None
            raise self.retry(countdown=copy.again_in_s, max_retries=None) from None
        try:
            message = {"task": self.name, "args": list(args), "kwargs": options}
            starts.begin(task_id, message)
        except Poisoned as poisoned:
            log.error("%s is set aside: %s", self.name, poisoned)
            claims.done(claim)
            raise Ignore(str(poisoned)) from None
        try:
            return self.work(*args, **options)
        finally:
            starts.ended(task_id)
            claims.done(claim)
