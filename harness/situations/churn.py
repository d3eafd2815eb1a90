"""Many jobs of a user's while the worker is killed and cut, again and again."""

import random

from harness.driver import Driver
from harness.errors import NeverHappened
from harness.faults import Faults
from harness.history import History
from harness.subscriber import Subscriber
from harness.wait import pause

#: Jobs that wait or run at a time.
WAVE = 10

#: Damage per job, in the order of how long it takes to recover from it.
SHARES = {"kill_child": 0.16, "cut_connections": 0.016, "kill_main": 0.016}

#: Jobs in all, per job asked for, and waves at least: damage may miss a job that has
#: just ended, on a fast machine more often than not.
AT_MOST, MORE_WAVES = 1.2, 4

#: Seconds of the job's run until it is hurt, at most; half of that after each miss.
DELAY_S = 0.15

#: Seconds a job may take to start, behind others that are hurt.
START_WITHIN_S = 60.0

#: Seconds a wave may take to end before no more is submitted.
END_WITHIN_S = 60.0


def churn(
    driver: Driver,
    faults: Faults,
    history: History,
    *,
    jobs: int,
    seed: int,
    **payload: object,
) -> None:
    """Submit `jobs` of the shortest kind in waves; hurt those that chance picks.

    Each damage of `SHARES` is dealt at least once, and dealt again where it missed; a
    miss that was made up for is `dealt_again`, with its line, and casts no doubt.
    """
    chance = random.Random(seed)
    deck = damage(jobs, chance)
    missed: dict[str, list[int]] = {name: [] for name in SHARES}
    waiting, sent = len(deck), 0
    delay_s = DELAY_S
    last: list[Subscriber] = []
    at_most = max(jobs * AT_MOST, jobs + MORE_WAVES * WAVE)
    while sent < jobs or (deck and sent < at_most):
        pages = [_watched(driver, payload) for _ in range(min(WAVE, jobs))]
        sent += len(pages)
        due = max(0, len(deck) - round(waiting * max(0.0, 1 - sent / jobs)))
        victims = set(chance.sample(range(len(pages)), min(due, len(pages))))
        for number, page in enumerate(pages):
            if number not in victims:
                continue
            name, tried_t = deck[-1], history.now()
            try:
                bit = _hurt(name, page.job, faults, history, chance.uniform(0, delay_s))
            except NeverHappened:
                break  # whether it ends is asked below
            if bit:
                deck.pop()
            else:
                victims.add(number + 1)  # it has just ended: the next may still run
                delay_s /= 2
                missed[name] += _misses(history, tried_t)
        until_s = history.now() + END_WITHIN_S
        ended = [
            history.settle(page.job, within_s=max(0.0, until_s - history.now()))
            for page in pages
        ]
        if not all(ended):
            return  # the law says why
        for page in last:  # a wave later, so that a second ending would be seen
            page.unsubscribe()
        last = pages
    for name, lines in missed.items():
        for line in lines[deck.count(name) :]:
            history.record("harness", "dealt_again", line=line)


def _misses(history: History, since_t: float) -> list[int]:
    """Return the lines of the faults since then that hit nothing."""
    tried = history.of(source="fault", kind="injected")
    return [o.line for o in tried if o.t >= since_t and not o.get("bit")]


def damage(jobs: int, chance: random.Random) -> list[str]:
    """Return the damage for so many jobs, shuffled."""
    deck = [
        name
        for name, share in SHARES.items()
        for _ in range(max(1, round(share * jobs)))
    ]
    chance.shuffle(deck)
    return deck


def _watched(driver: Driver, payload: dict[str, object]) -> Subscriber:
    job = driver.submit(driver.target.shortest_job, **payload)
    return driver.subscribe(job)


def _hurt(
    name: str, job: str, faults: Faults, history: History, delay_s: float
) -> bool:
    """Hurt the job so long after its start; return whether that bit."""
    history.until(job, "start", within_s=START_WITHIN_S)
    pause(delay_s)
    if name == "kill_child":
        faults.kill_child(job)
    elif name == "kill_main":
        faults.kill_main("worker")
    else:
        faults.cut_connections("all", "worker")
    history.collect()
    return any(fault.get("bit") for fault in history.job(job).faults)
