import json
import math

from harness.report.timeline.crop import crop
from harness.report.timeline.encode import encode
from harness.report.timeline.model import timeline
from harness.tests.story import Story
from harness.verdict import violated


def encoded(story: Story) -> dict:
    whole = timeline(story.history)
    verdict = violated("so", evidence=(4, 3, 3), job="a")
    seen = crop(verdict, whole, story.history)
    told = encode(whole, story.history, [("terminal.exactly-one", verdict, seen)])
    return json.loads(json.dumps(told, allow_nan=False))


def test_every_observation_can_be_read_back_whole():
    story = Story().submitted("a", 0.25).event("a", "progress", 0.5, percent=5)
    data = encoded(story)
    for o, (t, name, job, told) in zip(
        story.history.observations, data["seen"], strict=True
    ):
        assert (t, data["names"][name], told) == (o.t, o.name, dict(o.data))
        assert (data["jobs"][job] if job >= 0 else None) == o.job


def test_a_verdict_carries_its_evidence_once_and_its_window():
    story = Story().submitted("a", 0.0).event("a", "completed", 1.0)
    (told,) = encoded(story.event("a", "failed", 2.0))["verdicts"]
    assert told["evidence"] == [3, 4]
    assert told["from"] < 1.0 < 2.0 < told["to"]
    assert told["status"] == "violated"


def test_numbers_that_a_browser_cannot_parse_become_words():
    story = Story().event("a", "progress", 0.5, percent=math.nan, more=[math.inf])
    data = encoded(story)["seen"][1][3]
    assert (data["percent"], data["more"]) == ("nan", ["inf"])
