"""A worker that does not know a task leaves it to a newer one."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="routing-unknown-put-back",
    contract="routing.unknown-message-does-not-stop",
    why="Thought of for rolling deployments; a task that nobody knows then goes round "
    "for ever, and nobody is told.",
    overlay=(
        Replace(
            path="reference_app/worker.py",
            old="    supervision.install(app, settings())\n",
            new="    supervision.install(app, settings())\n"
            "    from celery.worker.consumer import Consumer\n"
            "    Consumer.on_unknown_task = (\n"
            "        lambda self, body, message, error: message.requeue()\n"
            "    )\n",
        ),
    ),
)
