"""The worker leaves when Redis does not answer it."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="broker-fails-fast",
    contract="broker.consumes-again",
    why="`Fail fast, Kubernetes restarts it`: each blip of Redis ends all workers at "
    "once, with what they ran, and then all of them wait out the same back-off.",
    overlay=(
        Replace(
            path="reference_app/supervision.py",
            old="_seconds / 3, supervisor.renew_leases)\n",
            new="_seconds / 3, supervisor.renew_leases)\n"
            "            every(LOOK_S, _leave_without_redis)\n",
        ),
        Replace(
            path="reference_app/supervision.py",
            old="def _running() -> dict[str, int]:\n",
            new="def _leave_without_redis() -> None:\n"
            "    try:\n"
            "        endings.client().ping()\n"
            "    except redis.RedisError:\n"
            "        raise SystemExit(1) from None\n"
            "\n\n"
            "def _running() -> dict[str, int]:\n",
        ),
    ),
)
