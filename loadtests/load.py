"""A load as its options describe it, checked before anything is sent.

The options join locust's own, on its command line and in its web page. Of these three
still count: --host is the API, --users are the users of a closed loop at its height,
and --run-time ends a run early.
"""

import argparse
import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from loadtests import arrivals, shapes

_OURS = ("completed", "failed", "cancelled", "progress")
_FIELDS = "id=task_id,state=state,created=created_at,started=started_at,ended=ended_at"

#: What whoever starts locust decides, and nobody who finds its page.
BOUNDS = ("most_rate", "most_jobs", "allow_host", "report")


class Refused(ValueError):
    """The load is not what its sender can have meant; the message says what to do."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a load to locust's."""
    load = parser.add_argument_group("the load")
    for name, kind, default, text in (
        ("arrivals", str, "5/s", "Highest rate, as 5/s or 90/min, whoever is slow; or "
         "closed: --users users, of whom each waits for its job."),
        ("jobs", int, 100, "How many jobs; 0: as many as come within --length-s."),
        ("length-s", float, 60.0, "Seconds that a run lasts where --jobs does not say "
         "it: with --jobs 0, and the shape of a closed loop."),
        ("job-class", str, "short", "Mix of NAME@SECONDS:WEIGHT, as short:8,long@5:1. "
         "bursty comes ten at once, also above --arrivals."),
        ("seed", int, 1, "Which jobs come when; the same seed sends the same."),
        ("watchers", int, 0, "Users who only watch: each joins a job of others, late."),
        ("drain-s", float, 60.0, "Seconds after the last job is sent until one that "
         "has not ended is cancelled and counts as unfinished."),
        ("most-rate", float, 50.0, "Jobs per second above which a load is refused."),
        ("most-jobs", int, 10_000, "Jobs above which a load is refused."),
        ("allow-host", str, "", "Hosts, separated by commas, that may be loaded "
         "although they are not this machine."),
        ("report", str, "", "JSON file that the report is written to."),
    ):  # fmt: skip
        load.add_argument(f"--{name}", type=kind, default=default, help=text)
    for name, choices, text in (
        ("shape", sorted(shapes.SHAPES), "How the rate goes; soak may last for hours."),
        ("spacing", ["poisson", "even"], "Distances between arrivals."),
        ("through", ["api", "queue"], "Who sends: a user of the API, or a producer."),
        ("watch", ["socket", "poll"], "How a user of the API learns of its job's end."),
    ):
        default = "steady" if name == "shape" else choices[0]
        load.add_argument(f"--{name}", choices=choices, default=default, help=text)
    app = parser.add_argument_group("the application; by default its rehearsals")
    for name, default, text in (
        ("submit", "POST /api/v1/rehearsals", "Route that takes a job."),
        ("payload", '{"seconds": "{seconds}", "steps": 2}', "What it is sent, JSON; "
         '"{seconds}" and "{class}" become those of the job.'),
        ("key", "Idempotency-Key", "Header with which a submit that got no answer is "
         "sent again; empty: it is not."),
        ("status", "GET /api/v1/rehearsals/{job}", "Route that tells of a job."),
        ("cancel", "DELETE /api/v1/rehearsals/{job}", "Route that cancels it."),
        ("fields", _FIELDS, "Their names of fields in answers, OURS=THEIRS."),
        ("words", "", "Their words of states and events where they are not ours, "
         "THEIRS=OURS, as SUCCESS=completed; ours are " + ", ".join(_OURS) + "."),
        ("room", "rehearsal/{job}", "Socket.IO channel of a job's events."),
        ("broker", "", "URL of the broker that a producer sends to."),
        ("queue", "", "Queue that a producer sends to."),
        ("task", "queueproof.sleep", "Name of the task that a producer sends."),
        ("task-args", '["{seconds}"]', "Its arguments, JSON, filled in as --payload."),
    ):  # fmt: skip
        app.add_argument(f"--{name}", default=default, help=text)
    app.add_argument(
        *("--poll-s",), type=float, default=0.25, help="Seconds between two polls."
    )
    for group in (load, app):
        for action in group._group_actions:
            # How locust marks what its page asks for.
            action.include_in_web_ui = action.dest not in BOUNDS
            action.is_secret = action.dest == "broker"


def defaults() -> argparse.Namespace:
    """Return these options, and no others, as nobody has changed them."""
    parser = argparse.ArgumentParser(add_help=False)
    add_options(parser)
    return parser.parse_args([])


@dataclass(frozen=True)
class Load:
    """A checked load; `options` are those above, as argparse names them."""

    options: argparse.Namespace
    host: str
    mix: tuple[arrivals.JobClass, ...]
    #: Jobs per second at the height; None in a closed loop.
    rate: float | None
    #: Jobs at most.
    jobs: int
    #: Seconds from the begin until the last job is due.
    length_s: float
    payload: Any
    task_args: Any
    fields: Mapping[str, str]
    words: Mapping[str, str]

    @classmethod
    def of(cls, options: argparse.Namespace, host: str | None) -> "Load":
        """Return the load that these options describe.

        Raises:
            Refused: they contradict each other, are above a bound, or name a machine
                that is not this one.
        """
        try:
            rate = arrivals.parse_rate(options.arrivals)
            mix = arrivals.parse_mix(options.job_class)
            payload, args = json.loads(options.payload), json.loads(options.task_args)
            fields = _pairs("fields", options.fields)
            words = {each: each for each in _OURS} | _pairs("words", options.words)
        except ValueError as error:
            raise Refused(str(error)) from None
        target = options.broker if options.through == "queue" else host
        guard(target, options.allow_host)
        if options.through == "queue" and not options.queue:
            raise Refused("A producer needs --queue: the queue that workers take from.")
        for name in ("submit", "status", "cancel"):
            # A whole URL would lead past the guard.
            if not re.fullmatch(r"[A-Z]+ /\S*", getattr(options, name)):
                raise Refused(f"--{name}: give a method and a path, as POST /jobs.")
        jobs, length_s = _bounded(options, rate)
        return cls(
            *(options, host or "", mix, rate, jobs, length_s),
            *(payload, args, fields, words),
        )

    def plan(self, index: int, senders: int) -> list[arrivals.Planned]:
        """Return the share of one of so many senders, counted from 0."""
        planned = arrivals.plan(
            self.jobs,
            self.rate,
            mix=self.mix,
            shape=self.options.shape,
            seed=self.options.seed,
            poisson=self.options.spacing == "poisson",
        )
        return arrivals.share(planned, index, senders)


def guard(target: str | None, allowed: str) -> None:
    """Return if this may be loaded: this machine, or a host named in `allowed`.

    Raises:
        Refused: it is another machine, or none is named.
    """
    host = urlsplit(target or "").hostname
    if host is None:
        raise Refused(f"Nobody to load in {target!r}: give --host, or --broker, a URL.")
    if host in (each.strip() for each in allowed.split(",")) or _is_loopback(host):
        return
    raise Refused(
        f"{host} is not this machine. A load can take a service down: if it is yours "
        f"and may be loaded, say --allow-host {host}."
    )


def _bounded(options: argparse.Namespace, rate: float | None) -> tuple[int, float]:
    jobs, length_s = options.jobs, options.length_s
    if rate is not None:
        if jobs:
            length_s = arrivals.length_s(jobs, rate, options.shape)
        else:
            jobs = max(1, int(length_s * rate * shapes.mean(options.shape)))
        if rate > options.most_rate:
            raise Refused(f"{rate:g} jobs/s are above --most-rate {options.most_rate}.")
    jobs = jobs or options.most_jobs
    longest_s = shapes.LONGEST_S[options.shape]
    if not 0 < jobs <= options.most_jobs:
        raise Refused(f"{jobs} jobs, and --most-jobs is {options.most_jobs}.")
    if not 0 < length_s <= longest_s:
        raise Refused(
            f"The run would last {length_s:.0f} s; --shape {options.shape} may last "
            f"{longest_s:.0f}, and soak {shapes.LONGEST_S['soak']:.0f}."
        )
    return jobs, length_s


def _pairs(name: str, text: str) -> dict[str, str]:
    pairs = [each.partition("=") for each in text.split(",") if each.strip()]
    if not all(left and right for left, _, right in pairs):
        raise Refused(f"--{name} {text!r}: give LEFT=RIGHT, separated by commas.")
    return {left.strip(): right.strip() for left, _, right in pairs}


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
