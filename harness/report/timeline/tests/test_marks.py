import pytest

from harness.history import Observation
from harness.report.timeline.marks import KINDS, LABEL_LETTERS, kind_of, label_of


def seen(name: str, /, **data) -> Observation:
    source, _, kind = name.partition(".")
    return Observation(0.0, source, kind, None, data)


@pytest.mark.parametrize(
    ("observation", "kind", "label"),
    [
        (seen("driver.event", event="progress", percent=33.333), "progress", "33.3 %"),
        (seen("driver.event", event="queued"), "progress", "queued"),
        (seen("driver.event", event="failed", reason="lost"), "ending", "failed: lost"),
        (seen("driver.submitted", job_kind="short"), "request", "submitted short"),
        (seen("journal.mark", name="cleanup"), "execution", "cleanup"),
        (seen("ledger.end", how="success"), "execution", "end success"),
        (
            seen("fault.injected", fault="kill_main", victim={"role": "worker"}),
            *("fault", "kill_main worker"),
        ),
        (seen("fault.healed", fault="pause"), "fault", "healed pause"),
        (seen("stack.exited", role="worker", code=-9), "process", "exited -9"),
        (seen("probe.gone", role="child"), "process", "process gone"),
        (seen("probe.redis", down=True), "probe", "redis"),
        (seen("harness.situation", name="exit.lost"), "harness", "situation exit.lost"),
        (seen("new.thing", anything=1), "probe", "thing"),
    ],
)
def test_each_observation_has_a_kind_and_a_few_words(observation, kind, label):
    assert kind in KINDS
    assert kind_of(observation) == kind
    assert label_of(observation) == label


def test_a_percentage_that_is_no_number_is_no_reason_to_fail():
    assert label_of(seen("driver.event", event="progress", percent="x")) == "progress"


def test_a_long_text_is_cut():
    label = label_of(seen("harness.crashed", text="x" * 500))
    assert len(label) == LABEL_LETTERS
    assert label.endswith("…")
