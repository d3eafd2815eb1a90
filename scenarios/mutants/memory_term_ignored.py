"""The children ignore SIGTERM, so that a deployment does not end their jobs."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="memory-term-ignored",
    contract="memory.given-back-after-a-kill",
    why="`docker stop` and Kubernetes signal the main process alone, yet somebody once "
    "saw a child die. A cancel is a SIGTERM too: reported at once, and never heard.",
    overlay=(
        Replace(
            path="reference_app/worker.py",
            old="    leaving.install(settings())\n",
            new="    leaving.install(settings())\n"
            "    import signal\n"
            "    from celery import signals\n"
            "\n"
            "    signals.worker_process_init.connect(\n"
            "        lambda **_: signal.signal(signal.SIGTERM, signal.SIG_IGN),\n"
            "        weak=False,\n"
            "    )\n",
        ),
    ),
)
