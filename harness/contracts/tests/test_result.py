from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, Edit, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "result.ready-when-announced"

UNSAID = Status.INCONCLUSIVE

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


def test_an_answer_from_before_the_event_does_not_count():
    story = Story().submitted("a", 0.0).subscribed("a", 0.1)
    story.status("a", 0.5, "progress").event("a", "completed", 1.0, **GOOD)
    story.status("a", 1.1, "completed", **GOOD)
    assert story.judged_by(LAW).status is Status.HOLDS


def asked(endings: list[str], after_s: float, people: int) -> Story:
    """Jobs end, completed ones first; each of those who watch asks at once."""
    story = Story()
    for n, ending in enumerate(["completed", *endings]):
        story.submitted(f"{n}", 0.0)
        for person in ("anna", "ben")[:people]:
            story.subscribed(f"{n}", 0.0, by=person)
            story.event(f"{n}", ending, 1.0, by=person, **GOOD)
            then = {"on_event": person, **GOOD}
            story.status(f"{n}", 1.0 + after_s, ending, **then)
    return story


NONE = {"has_result": False, "result_digest": None}
SILENT = {"code": None, "state": None, "error": "refused"}


def answer(**to: object) -> Edit:
    """Let the answer about the first job be another one."""
    return changed("driver.status", "0", to=to)


test_only_the_same_outcome_on_receipt_holds = properties.of(
    LAW,
    st.builds(
        asked,
        st.lists(st.sampled_from(["completed", "failed", "cancelled"]), max_size=2),
        st.floats(0.0, 4.9),
        st.integers(1, 2),
    ),
    Damage("not-stored-yet", answer(state="started")),
    Damage("failed-instead", answer(state="failed")),
    Damage("not-found", answer(code=404)),
    Damage("no-result", answer(**NONE)),
    Damage("another-result", answer(result_digest="other")),
    Damage("an-error", answer(code=500, state=None)),
    Damage("nobody-asked", without("driver.status", "0"), UNSAID),
    Damage("asked-before", moved("driver.status", "0", by_s=-6.0), UNSAID),
    Damage("answered-late", moved("driver.status", "0", by_s=5.1), UNSAID),
    Damage("no-answer", answer(**SILENT), UNSAID),
    Damage("no-ending", without("driver.event"), UNSAID),
)
