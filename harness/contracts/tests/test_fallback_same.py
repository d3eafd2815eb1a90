import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, changed, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "fallback.same-to-the-user"

UNSAID = Status.INCONCLUSIVE

SHAPE = {"steered": [{"text": "str"}]}
FIELDS = {"fields": ["percent", "task_id"]}


def job(story: Story, name: str, t: float, how: str, *, local: bool) -> Story:
    """One job that returns, fails, meets its soft limit, or is cancelled."""
    ending, reason = {
        "returned": ("completed", None),
        "soft_time_limit": ("failed", "soft_time_limit"),
        "raised:ValueError": ("failed", "error"),
        "cancelled": ("cancelled", None),
    }[how]
    pid = 20 if local else 10
    story.say(
        "driver.submitted", t, name, job_kind="short", accepted=True, code=202
    ).subscribed(name, t)
    if not local:
        story.say("ledger.start", t + 0.1, name, pid=pid, role="child")
    story.started(name, t + 0.2, pid=pid)
    story.event(name, "progress", t + 0.3, percent=0, **FIELDS)
    story.event(name, "progress", t + 0.4, percent=50, **FIELDS)
    if how == "cancelled":
        story.cancel(name, t + 0.5)
    if how == "soft_time_limit":
        story.cleaned(name, t + 0.6, pid=pid)
    story.ended(name, t + 0.7, how, pid=pid)
    story.event(name, ending, t + 0.8, reason=reason, **FIELDS)
    more = {"result_shape": SHAPE} if ending == "completed" else {}
    return story.status(name, t + 0.9, ending, reason=reason, **more)


def both_ways(hows: list[str], local_t: float = 11.0) -> Story:
    """The same jobs by a worker, then without a broker."""
    story = Story()
    for n, how in enumerate(hows):
        story = job(story, f"worker-{n}", 1.0 + n, how, local=False)
    story.fault("redis_stop", 10.0, "redis", 2)
    for n, how in enumerate(hows):
        story = job(story, f"local-{n}", local_t + n, how, local=True)
    return story.healed("redis_stop", 20.0).watched(40.0)


HOWS = ["returned", "soft_time_limit", "cancelled"]


def repeated(local_digest: str, *stages: str, request: str = "r-1") -> Story:
    """A job whose result repeats, by a worker and then without; a page each."""
    story = Story(repeatable={"short": ["Loading", "Counting"]})
    for name, digest, told, t in (
        ("worker-0", "d-1", ("Loading", "Counting"), 1.0),
        ("local-0", local_digest, stages, 11.0),
    ):
        story = job(story, name, t, "returned", local=name == "local-0")
        for n, message in enumerate(told):
            story.event(name, "progress", t + 0.5 + n / 10, message=message, **FIELDS)
        asked = "r-1" if name == "worker-0" else request
        story = changed("driver.submitted", name, to={"request": asked})(story)
        story = changed("driver.status", name, to={"result_digest": digest})(story)
    return story.watched(40.0)


def test_where_results_repeat_the_values_and_the_stages_are_the_same():
    same = repeated("d-1", "Loading", "Counting")
    assert same.judged_by(LAW).status is Status.HOLDS
    verdict = repeated("d-2", "Loading", "Counting").judged_by(LAW)
    assert (verdict.status, verdict.observed) == (Status.VIOLATED, "result: d-2")
    verdict = repeated("d-1", "Counting").judged_by(LAW)
    assert (verdict.status, verdict.observed) == (
        Status.VIOLATED,
        "stages: ['Counting']",
    )


def test_another_request_is_nothing_to_compare_with():
    story = repeated("d-1", "Loading", "Counting", request="r-2")
    assert story.judged_by(LAW).status is UNSAID


def local(name: str, **to: object) -> properties.Edit:
    return changed(name, "local-0", to=to)


test_only_what_is_the_same_both_ways_holds = properties.of(
    LAW,
    st.builds(both_ways, st.just(["returned"]), st.floats(10.1, 18.0)),
    Damage("another-answer", local("driver.submitted", code=200)),
    Damage("no-progress", without("driver.event", "local-0", event="progress")),
    Damage("no-ending", without("driver.event", "local-0", event="completed")),
    Damage("another-field", local("driver.event", fields=["task_id"])),
    Damage("another-status", local("driver.status", state="failed")),
    Damage("another-result", local("driver.status", result_shape={"text": "str"})),
    Damage("never-asked", without("driver.status", "local-0")),
    Damage("another-end", local("journal.end", how="hard_time_limit")),
    Damage("another-id", lambda s: s.started("nobodys", 18.5, pid=20)),
    Damage("no-twin", without("ledger.start"), UNSAID),
    Damage("nothing-ran-locally", without("journal.start", "local-0"), UNSAID),
)


@pytest.mark.parametrize("how", HOWS)
def test_a_limit_and_a_cancel_are_the_same_too(how):
    assert both_ways([how]).judged_by(LAW).status is Status.HOLDS


def test_a_cancelled_job_is_compared_with_a_cancelled_one():
    story = both_ways(["returned"])
    story = job(story, "local-1", 12.0, "cancelled", local=True)
    verdict = story.judged_by(LAW)
    assert verdict.status is UNSAID
    assert "a cancelled short" in verdict.summary


def test_a_limit_that_is_not_there_is_another_ending():
    story = both_ways(["soft_time_limit"])
    told = {"reason": "hard_time_limit"}
    story = changed("driver.event", "local-0", event="failed", to=told)(story)
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert "hard_time_limit" in verdict.observed


def test_an_ending_that_may_still_come_is_waited_for():
    story = without("harness.heartbeat")(both_ways(["returned"]))
    story = without("driver.event", "local-0", event="completed")(story)
    verdict = without("driver.status", "local-0")(story).judged_by(LAW)
    assert verdict.status is UNSAID
    assert verdict.due_t == pytest.approx(21.7)


def test_of_a_cancel_the_function_may_hear_by_itself_or_be_ended_first():
    story = both_ways(["cancelled"])
    story = changed("journal.end", "worker-0", to={"how": "raised:SystemExit"})(story)
    assert story.judged_by(LAW).status is Status.HOLDS


@pytest.mark.parametrize(
    ("locally", "status"),
    [
        (["taken", "step", "given back"], Status.HOLDS),
        (["taken", "step", "step", "step", "given back"], Status.HOLDS),
        (["taken", "given back"], Status.VIOLATED),
        (["step", "taken", "given back"], Status.VIOLATED),
    ],
)
def test_how_often_a_step_is_done_is_the_works_that_it_is_done_is_not(locally, status):
    story = marked("returned", ["taken", "step", "step", "given back"], locally)
    assert story.judged_by(LAW).status is status


@pytest.mark.parametrize(
    ("how", "status"),
    [("soft_time_limit", Status.HOLDS), ("raised:ValueError", Status.VIOLATED)],
)
def test_how_far_a_job_came_is_the_machines_matter_before_a_limit_alone(how, status):
    story = marked(how, ["taken", "step", "given back"], ["taken"])
    assert story.judged_by(LAW).status is status


def test_a_clean_up_after_a_limit_is_nobodys_luck():
    story = without("journal.mark", "local-0")(both_ways(["soft_time_limit"]))
    assert story.judged_by(LAW).status is Status.VIOLATED


def marked(how, by_a_worker, locally):
    story = both_ways([how])
    for name, pid, t, marks in (
        ("worker-0", 10, 1.25, by_a_worker),
        ("local-0", 20, 11.25, locally),
    ):
        for number, mark in enumerate(marks):
            at_t = t + number / 100
            story = story.say("journal.mark", at_t, name, name=mark, pid=pid, attempt=1)
    return story
