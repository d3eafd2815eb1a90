"""How long jobs wait for one of many slots, by formula.

Erlang C for Poisson arrivals and exponential service (Kleinrock, Queueing Systems I,
chapter 3), corrected for other distributions by (ca2 + cs2) / 2 (Allen and Cunneen; see
Whitt, Approximations for the GI/G/m Queue, 1993). Times in seconds, rates per second.
"""

import math


def erlang_c(slots: int, load: float) -> float:
    """Return the probability that a job has to wait; `load` in busy slots, < slots.

    Raises:
        ValueError: the slots are too few: the queue grows without end.
    """
    if load >= slots:
        raise ValueError(f"{slots} slots cannot do the work of {load:g}")
    # The recursion of Erlang B: no factorials, for tens of thousands of slots, too.
    blocked = 1.0
    for number in range(1, slots + 1):
        blocked = load * blocked / (number + load * blocked)
    return blocked / (1 - load / slots * (1 - blocked))


def mean_wait_s(
    arrivals: float, service_s: float, slots: int, *, ca2: float = 1.0, cs2: float = 1.0
) -> float:
    """Return the mean wait; `ca2` and `cs2` as Service.scv, of arrivals and service."""
    load = arrivals * service_s
    waits = erlang_c(slots, load)
    return (ca2 + cs2) / 2 * waits * service_s / (slots - load)


def wait_s(
    part: float,
    arrivals: float,
    service_s: float,
    slots: int,
    *,
    ca2: float = 1.0,
    cs2: float = 1.0,
) -> float:
    """Return the wait that this part of the jobs does not exceed, say 0.95.

    Those that wait are taken to wait exponentially, with the mean of `mean_wait_s`:
    exact for exponential service, near it in heavy traffic.
    """
    if not 0 < part < 1:
        raise ValueError(f"part {part:g}: write 0.95 for the 95th percentile")
    waits = erlang_c(slots, arrivals * service_s)
    if waits <= 1 - part:
        return 0.0
    mean_s = mean_wait_s(arrivals, service_s, slots, ca2=ca2, cs2=cs2)
    return mean_s / waits * math.log(waits / (1 - part))
