"""The submissions a history holds that were made while their API could not reach Redis.

Redis, or only the broker, is away for an API where a link of it is hurt, and for all of
them where Redis itself is.
"""

from dataclasses import dataclass

from harness.history import History, Observation

#: Faults that answer at once that nobody is there, and those that never answer.
REFUSING = ("refuse", "redis_stop")
HANGING = ("black_hole", "pause", "pause_writes")

_ANSWERS = ("driver.submitted", "driver.refused", "driver.unanswered")


@dataclass(frozen=True)
class Submission:
    """One submission, how it was answered, and what was hurt when it was sent."""

    answer: Observation
    fault: Observation

    @property
    def took_s(self) -> float:
        """Return the seconds until it was answered or given up."""
        return took_s(self.answer)

    @property
    def sent_t(self) -> float:
        """Return when it was sent."""
        return self.answer.t - self.took_s

    @property
    def hangs(self) -> bool:
        """Whether nothing answers its API, rather than that all is refused."""
        return self.fault.get("fault") in HANGING

    @property
    def accepted(self) -> bool:
        """Whether it was answered with a job's id."""
        return self.answer.name == "driver.submitted"

    @property
    def evidence(self) -> tuple[int, ...]:
        """Return the lines of fault and answer."""
        return (self.fault.line, self.answer.line)

    @property
    def told(self) -> str:
        """Return the answer in words."""
        return told(self.answer)


def told(answer: Observation) -> str:
    """Return in words how a submission was answered."""
    if answer.name == "driver.unanswered":
        return f"no answer in {took_s(answer):.2f} s ({answer.get('error')})"
    return f"{answer.get('code')} after {took_s(answer):.2f} s"


def took_s(answer: Observation) -> float:
    """Return the seconds until a submission was answered or given up."""
    return float(answer.get("took_s") or 0.0)


def submissions(history: History) -> list[Observation]:
    """Return how each submission of `Driver.try_submit` was answered."""
    answers = history.of(source="driver")
    return [o for o in answers if o.name in _ANSWERS and o.get("api") is not None]


def while_away(history: History) -> list[Submission]:
    """Return the submissions that were sent while Redis or the broker was away."""
    outages = [
        (fault, _healed_t(history, fault))
        for fault in history.of(source="fault", kind="injected")
        if fault.get("bit") and fault.get("fault") in (*REFUSING, *HANGING)
    ]
    found = []
    for answer in submissions(history):
        sent_t = answer.t - took_s(answer)
        for fault, healed_t in outages:
            whose = (fault.get("victim") or {}).get("role")
            if whose in ("redis", answer.get("api")) and fault.t <= sent_t < healed_t:
                found.append(Submission(answer, fault))
                break
    return found


def _healed_t(history: History, fault: Observation) -> float:
    name = fault.get("fault")
    ends = (o for o in history.of(source="fault", kind="healed") if o.t >= fault.t)
    return next((o.t for o in ends if o.get("fault") == name), float("inf"))
