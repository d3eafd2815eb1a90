"""A leader is elected at the start, and leads from then on."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="schedule-elected-once",
    contract="schedule.survives-lost-lock",
    why="A lock around Celery's own scheduler, renewed by a thread: it keeps a second "
    "beat away, and does not stop the first when the lock is lost.",
    overlay=(
        Replace(
            path="reference_app/beat.py",
            old='        Beat(app=app, loglevel="INFO", quiet=True).run()\n',
            new="        import threading\n\n"
            "        timeout_s = settings().beat_lock_timeout\n"
            '        lock = get_redis(app).lock("beat:leader", timeout=timeout_s)\n'
            "        lock.acquire()\n"
            "        token = lock.local.token\n\n"
            "        def renew() -> None:\n"
            "            lock.local.token = token\n"
            "            while not threading.Event().wait(timeout_s / 3):\n"
            "                with contextlib.suppress(redis.RedisError):\n"
            "                    lock.reacquire()\n\n"
            "        threading.Thread(target=renew, daemon=True).start()\n"
            '        plain = "celery.beat:Scheduler"\n'
            '        Beat(app=app, loglevel="INFO", scheduler=plain).run()\n',
        ),
        Replace(
            path="reference_app/studio/tasks.py",
            old="        schedule.claim(endings.client(), self)\n",
            new="",
        ),
    ),
)
