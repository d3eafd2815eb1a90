"""A job whose message can come again is done once, and each copy knows what to do.

Guarantee  Of all deliveries of a job one at a time holds the claim; a copy gets Copy
           and does nothing. A holder that stops renewing loses the claim after
           `lease_s` to the next delivery, which gets a higher fence; from then on
           the old one's `renew`, `done` and `check` raise Superseded, so it neither
           finishes nor writes where it checked first. A job that is done stays so.
Units      lease_s: seconds on Redis's clock, at least three renewals long. keep_s:
           seconds a finished job is remembered; longer than a copy can be late.
Raises     Copy: acknowledge it if `again_in_s` is None (the job is done), else send it
           again then. Superseded. An error of Redis: nothing is known, do not run.
Needs      redis-py, Redis >= 5.0; Celery with `conf(...)`, prefork; poison.py, since
           a lost process puts its message back without end.
Breaks if  The effect of the job cannot take a fence and its holder is frozen between
           `check` and the effect: that is then done twice.
Proof      contract delivery.long-job-runs-once, EXEC-005
Source     Celery 5.7 manual, "Redis", visibility timeout: never renewed. Measured: 5
           starts in 20 s of a job of 8 s at a timeout of 3 s; a lost message came back
           after 103 s without the restore options. Copy this file alone.
"""

from typing import Any, NamedTuple

import redis

# One hash per job: fence, until (Redis's clock), done. The machines' clocks differ.
_NOW = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local fence = redis.call('HGET', KEYS[1], 'fence') or '0'
"""
_TAKE = """
if redis.call('HEXISTS', KEYS[1], 'done') == 1 then return {0, ''} end
local left = tonumber(redis.call('HGET', KEYS[1], 'until') or '0') - now
if left > 0 then return {0, string.format('%.3f', left)} end
redis.call('HSET', KEYS[1], 'until', string.format('%.3f', now + ARGV[1]))
redis.call('EXPIRE', KEYS[1], ARGV[2])
return {redis.call('HINCRBY', KEYS[1], 'fence', 1), ''}
"""
_HOLDS = """
if fence ~= ARGV[3] or redis.call('HEXISTS', KEYS[1], 'done') == 1 then return 0 end
redis.call('EXPIRE', KEYS[1], ARGV[2])
"""
_RENEW = "redis.call('HSET',KEYS[1],'until',string.format('%.3f',now+ARGV[1])) return 1"
_DONE = "redis.call('HSET', KEYS[1], 'done', '1') return 1"
_RELEASE = "redis.call('HDEL', KEYS[1], 'until') return 1"


class Superseded(BaseException):
    """A newer delivery of this job has begun: end without a word, acknowledge."""


class Copy(Exception):
    """Another delivery of the job is done (`again_in_s` None) or still running."""

    def __init__(self, job_id: str, again_in_s: float | None) -> None:
        super().__init__(f"job {job_id} is " + ("held" if again_in_s else "done"))
        self.again_in_s = again_in_s


class Claim(NamedTuple):
    """The right to do a job, until its lease runs out."""

    job_id: str
    fence: int  #: rises with each claim; give it to whatever the job writes


class Claims:
    """The claims on all jobs of one application."""

    def __init__(
        self, client: redis.Redis, *, lease_s: float = 15.0, keep_s: int = 86_400
    ) -> None:
        self._client, self._args = client, (str(lease_s), str(keep_s))

    def take(self, job_id: str) -> Claim:
        """Claim the job, before it does anything."""
        fence, left_s = self._eval(_TAKE, job_id)
        if not fence:
            raise Copy(job_id, float(left_s) if left_s else None)
        return Claim(job_id, int(fence))

    def renew(self, claim: Claim) -> None:
        """Hold the claim for another lease; from a thread, as the job may be busy."""
        self._held(_RENEW, claim)

    def check(self, claim: Claim) -> None:
        """Return if the claim is still this one's: right before each effect."""
        self._held("return 1", claim)

    def done(self, claim: Claim) -> None:
        """Let every later copy be a copy of a finished job."""
        self._held(_DONE, claim)

    def release(self, claim: Claim) -> None:
        """Give the claim back undone: the next delivery runs at once."""
        self._held(_RELEASE, claim)

    def _held(self, script: str, claim: Claim) -> None:
        if not self._eval(_HOLDS + script, claim.job_id, str(claim.fence)):
            raise Superseded(f"job {claim.job_id}, fence {claim.fence}")

    def _eval(self, script: str, job_id: str, *fence: str) -> Any:
        key = f"claim:{job_id}"
        return self._client.eval(_NOW + script, 1, key, *self._args, *fence)


def conf(hard_limit_s: float, longest_pause_s: float = 0.0) -> dict[str, Any]:
    """Return Celery's settings for late acknowledgement; `app.conf.update` them."""
    return {
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,  # bounded by poison.py, by nothing else
        "worker_disable_prefetch": True,
        "broker_transport_options": {
            "visibility_timeout": 1.5 * (hard_limit_s + longest_pause_s),
            "unacked_restore_interval": 1,
            "unacked_restore_throttle": 1,
            "unacked_mutex_expire": 10,  # so long who dies looking holds others up
        },
    }
