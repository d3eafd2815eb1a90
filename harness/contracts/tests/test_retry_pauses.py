import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, Edit, both, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "retry.transient-errors-are-retried"

UNSAID = Status.INCONCLUSIVE

FETCH = {"fetch": {"retries": 3, "transient": ["Gone"]}}

#: When the n-th attempt begins and ends, where pauses are 1, 2 and 4 s.
RUNS = {1: (1.0, 1.5), 2: (3.0, 3.5), 3: (6.0, 6.5), 4: (11.0, 11.5)}


def tried(
    draws: tuple[float, float] = (0.9, 0.6), passes: bool = False, tells: bool = True
) -> Story:
    """Two jobs; each waits its share of the pauses, and is started a little later."""
    story = Story(limits=FETCH)
    for job, draw in zip("ab", draws, strict=True):
        story.submitted(job, 0.0, "fetch")
        for n, (begun, ended) in RUNS.items():
            pid = 10 * n + (job == "b")
            story.started(job, begun, pid=pid)
            last = n == len(RUNS)
            how = "returned" if passes and last else "raised:Gone"
            story.ended(job, ended, how, pid=pid)
            if tells and not last:
                again_s = draw * 2.0 ** (n - 1)
                mark = {"pid": pid, "name": "again", "again_s": again_s}
                story.say("journal.mark", ended + 0.01, job, **mark)
        story.status(job, 11.6, "completed" if passes else "failed", on_event=None)
    return story.watched(12.0)


def pause(job: str, number: int, again_s: float) -> Edit:
    pid = 10 * number + (job == "b")
    return changed("journal.mark", job, pid=pid, to={"again_s": again_s})


def in_step(story: Story) -> Story:
    marks = story.history.of(source="journal", kind="mark", job="a")
    pauses = [pause("b", n, mark["again_s"]) for n, mark in enumerate(marks, 1)]
    return both(*pauses)(story)


def once_more(story: Story) -> Story:
    return story.started("a", 13.0, pid=99)


def last_gone(story: Story) -> Story:
    for what in ("journal.start", "journal.end"):
        story = without(what, "a", pid=40)(story)
    return story


test_only_tries_as_declared_later_and_later_hold = properties.of(
    LAW,
    st.builds(
        tried,
        st.tuples(st.floats(0.7, 0.99), st.floats(0.5, 0.69)),
        st.booleans(),
    ),
    Damage("once-too-often", once_more),
    Damage("given-up-early", last_gone),
    Damage("before-its-time", pause("a", 3, 4.9)),
    Damage("no-longer-pauses", both(pause("a", 2, 0.3), pause("a", 3, 0.2))),
    Damage("the-same-pauses", both(pause("a", 2, 1.0), pause("a", 3, 1.01))),
    Damage("in-step", in_step),
    Damage("another-ending", changed("driver.status", "a", to={"state": "cancelled"})),
    Damage("no-ending", without("driver.status", "a"), UNSAID),
    Damage("no-end", without("journal.end", "a", pid=40), UNSAID),
    Damage("no-fault", without("journal.end"), UNSAID),
    Damage("unknown-as-passing", changed("harness.run", to={"limits": {}}), UNSAID),
)


def test_without_what_was_told_the_pauses_that_were_kept_are_compared():
    assert tried(tells=False).judged_by(LAW).status is Status.VIOLATED  # in step
    story = moved("journal.start", "b", by_s=0.1)(tried(tells=False))
    assert story.judged_by(LAW).status is Status.HOLDS


@pytest.mark.parametrize("watched_t", [5.0, 13.5, 30.0])
def test_a_try_that_does_not_come_is_waited_for(watched_t):
    story = tried()
    story = without("driver.status")(last_gone(story))
    for what in ("journal.start", "journal.end"):
        story = without(what, "b", pid=41)(story)
    verdict = story.watched(watched_t).judged_by(LAW)
    late = watched_t > 6.5 + 4 * 0.9 + 10
    assert verdict.status is (Status.VIOLATED if late else UNSAID)
    assert late or verdict.due_t == pytest.approx(6.5 + 4 * 0.9 + 10)


def test_a_start_long_after_its_time_is_no_retry_in_time():
    story = moved("journal.start", "a", by_s=11.0, pid=40)(tried())
    story = moved("journal.end", "a", by_s=11.0, pid=40)(story)
    verdict = moved("driver.status", "a", by_s=11.0)(story).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert verdict.timed


def test_a_killed_process_may_cost_a_try_or_be_replaced():
    """Whether a lost try counts is the application's to say."""
    story = without("journal.end", "a", pid=20)(tried())
    story = without("journal.mark", "a", pid=20)(story)
    story.fault("kill_child", 3.2, pid=20)
    assert story.judged_by(LAW).status is Status.HOLDS
