"""Each child has a loader of its own, which it ends when it ends in good order."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="memory-orphan-loader",
    contract="memory.given-back-after-a-kill",
    why="Data loaders are ended by their parent's clean-up, and SIGKILL leaves none: "
    "what they hold stays, in a process that belongs to nobody.",
    overlay=(
        Replace(
            path="reference_app/worker.py",
            old="    orphans.install(app)\n",
            new="",
        ),
        Replace(
            path="reference_app/worker.py",
            old="    supervision.install(app, settings())\n",
            new="    supervision.install(app, settings())\n"
            "    import signal\n"
            "    from celery import signals\n"
            "\n"
            "    loaders = []\n"
            "\n"
            "    def begin(**_):\n"
            "        ready, tell = os.pipe()\n"
            "        loader = os.fork()\n"
            "        if loader == 0:\n"
            "            held = b'batches.' * 16 * 2**20\n"
            "            os.write(tell, held[:1])\n"
            "            while True:\n"
            "                signal.pause()\n"
            "        os.read(ready, 1)\n"
            "        loaders.append(loader)\n"
            "\n"
            "    def end(**_):\n"
            "        for loader in loaders:\n"
            "            os.kill(loader, signal.SIGKILL)\n"
            "\n"
            "    signals.worker_process_init.connect(begin, weak=False)\n"
            "    signals.worker_process_shutdown.connect(end, weak=False)\n",
        ),
    ),
)
