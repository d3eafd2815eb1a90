import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.tests.story import Story
from harness.verdict import Status

LAW = "result.ready-when-announced"

GOOD = {"has_result": True, "result_digest": "abc"}


def told(ending: str = "completed", **data: object) -> Story:
    story = Story().submitted("a", 0.0).subscribed("a", 0.1)
    if ending == "completed":
        data = {**GOOD, **data}
    return story.event("a", ending, 1.0, **data)


def test_the_same_outcome_on_receipt_holds():
    story = told().status("a", 1.05, "completed", **GOOD)
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.HOLDS
    assert verdict.evidence == (4, 5)


@pytest.mark.parametrize("ending", ["failed", "cancelled"])
def test_other_endings_need_the_state_alone(ending):
    assert told(ending).status("a", 1.1, ending).judged_by(LAW).status is Status.HOLDS


@pytest.mark.parametrize(
    ("state", "code", "data"),
    [
        ("progress", 200, GOOD),
        ("completed", 404, GOOD),
        ("completed", 200, {"has_result": False}),
        ("completed", 200, {"has_result": True, "result_digest": "other"}),
    ],
)
def test_another_outcome_is_violated(state, code, data):
    story = told().status("a", 1.05, state, code, **data)
    assert story.judged_by(LAW).status is Status.VIOLATED


def test_an_answer_from_before_the_event_does_not_count():
    story = Story().submitted("a", 0.0).subscribed("a", 0.1)
    story.status("a", 0.5, "progress").event("a", "completed", 1.0, **GOOD)
    story.status("a", 1.1, "completed", **GOOD)
    assert story.judged_by(LAW).status is Status.HOLDS


def test_an_ending_nobody_asked_about_is_inconclusive():
    assert told().judged_by(LAW).status is Status.INCONCLUSIVE


def test_an_api_that_did_not_answer_is_inconclusive():
    story = told().status("a", 1.1, None, None, error="refused")
    assert story.judged_by(LAW).status is Status.INCONCLUSIVE


def test_a_job_without_an_ending_is_inconclusive():
    story = Story().submitted("a", 0.0).subscribed("a", 0.1).watched(9.0)
    assert story.judged_by(LAW).status is Status.INCONCLUSIVE


@given(st.lists(st.sampled_from(["completed", "failed", "cancelled"]), min_size=1))
def test_any_number_of_jobs_holds_until_one_answer_is_missing_or_wrong(endings):
    def told_all(wrong: bool, last: bool) -> Story:
        story = Story()
        for n, ending in enumerate(endings):
            story.submitted(f"{n}", 0.0).subscribed(f"{n}", 0.0)
            story.event(f"{n}", ending, 1.0, **GOOD)
            is_last = n == len(endings) - 1
            state = "started" if wrong and is_last else ending
            if last or not is_last:
                story.status(f"{n}", 1.1, state, **GOOD)
        return story

    assert told_all(False, True).judged_by(LAW).status is Status.HOLDS
    assert told_all(True, True).judged_by(LAW).status is Status.VIOLATED
    assert told_all(False, False).judged_by(LAW).status is Status.INCONCLUSIVE
