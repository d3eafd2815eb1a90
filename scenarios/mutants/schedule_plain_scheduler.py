"""Celery's own scheduler, and a job that runs whenever it is sent."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="schedule-plain-scheduler",
    contract="schedule.two-schedulers-one-run",
    why="`celery beat` as in the manual, one replica: and the rolling update starts "
    "the next one before it ends this one.",
    overlay=(
        Replace(
            path="reference_app/broker.py",
            old='    beat_scheduler="reference_app.beat:LockedScheduler",\n',
            new='    beat_scheduler="celery.beat:PersistentScheduler",\n',
        ),
        Replace(
            path="reference_app/studio/tasks.py",
            old="        schedule.claim(endings.client(), self)\n",
            new="",
        ),
    ),
)
