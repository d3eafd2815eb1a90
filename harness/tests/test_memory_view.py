import pytest

from harness.memory_view import Look, at_rest_mib, looks
from harness.tests.story import Story


def story(*mib: float, steady: bool = True, role: str = "worker") -> Story:
    """A first job, looks 0.1 s apart from 1.0 s on, and one that is to hold memory."""
    told = Story().say("send.accepted", 0.1, "first")
    told.say("ledger.start", 0.2, "first", pid=9)
    told.say("ledger.end", 0.9, "first", pid=9, role="child", how="success")
    for n, each in enumerate(mib):
        data = {"mib": each, "steady": steady, "took_s": 0.05}
        told.say("probe.memory", 1.0 + 0.1 * n, role=role, **data)
    return told.say("harness.holds", 2.0, "a", mib=512)


def test_at_rest_is_the_median_of_the_last_five_looks():
    assert at_rest_mib(story(900, 301, 302, 303, 304, 999).history) == 303


@pytest.mark.parametrize(
    "told",
    [
        story(1, 2, 3, 4),
        story(*range(5), steady=False),
        story(*range(5), role="api"),
        story().say("probe.memory", 3.0, role="worker", mib=1, steady=True),
    ],
    ids=["too-few", "unsteady", "of-another", "too-late"],
)
def test_without_five_looks_in_time_there_is_no_rest(told):
    assert at_rest_mib(told.history) is None


def test_a_look_saw_what_was_there_when_it_began():
    (look,) = looks(story(300).history)
    assert (look.began_t, look.t) == (pytest.approx(0.95), 1.0)


def test_a_run_holds_what_its_process_and_all_below_it_hold():
    told = Story().say("send.accepted", 0.1, "a").say("ledger.start", 0.2, "a", pid=10)
    pids = {1: (0, 200.0), 10: (1, 30.0), 11: (10, 4.0), 12: (11, 0.5), 13: (1, 60.0)}
    shares = [{"pid": p, "parent": of, "mib": mib} for p, (of, mib) in pids.items()]
    told.say("probe.memory", 1.0, role="worker", by="pss", mib=294.5, processes=shares)
    (run,) = told.history.job("a").runs
    (look,) = looks(told.history)
    assert isinstance(look, Look)
    assert look.held_by(run) == 34.5
    assert look.told == (
        "294 MiB by pss at 1.00 s (pid 1: 200, pid 13: 60, pid 10: 30, pid 11: 4)"
    )


def test_a_look_into_a_container_tells_what_all_of_it_uses():
    shares = [{"pid": 1, "mib": 200.0}]
    data = {"by": "pss", "mib": 200.0, "processes": shares, "container_mib": 260.0}
    told = Story().say("probe.memory", 1.0, role="worker", **data)
    (look,) = looks(told.history)
    assert look.told == "200 MiB by pss at 1.00 s (pid 1: 200; its container: 260)"
