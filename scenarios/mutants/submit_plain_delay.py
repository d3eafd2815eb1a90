"""The route publishes as the manual's first page does, with Celery's own time-outs."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="submit-plain-delay",
    contract="submit.answers-in-time",
    why="`.delay()` returns in a millisecond, on every day on which there is a Redis.",
    overlay=(
        Replace(
            path="reference_app/broker.py",
            old="app.conf.update(broker_bounds.settings(ANSWER_S))\n",
            new="",
        ),
        Replace(
            path="reference_app/broker.py",
            old="        **app.conf.broker_transport_options,\n",
            new="",
        ),
        Replace(
            path="reference_app/submission.py",
            old="        outbox.publish(message)\n",
            new="        outbox.app.tasks[message.kind].apply_async(\n"
            "            args=[message.request],\n"
            "            task_id=message.id,\n"
            "            headers={'attempt': message.attempt},\n"
            "        )\n"
            "        jobs.mark_published(message.id)\n",
        ),
    ),
)
