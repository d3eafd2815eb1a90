from pathlib import Path

from harness.contract import find_contract
from harness.report.page import Situation, failure_page
from harness.tests.story import Story

LAW = "terminal.exactly-one"


def page_of(story: Story) -> list[str]:
    situation = Situation("t", 'pytest "t"', Path("history.jsonl"))
    verdict = story.judged_by(LAW)
    return failure_page(
        find_contract(LAW), verdict, story.history, situation
    ).splitlines()


def broken_story() -> Story:
    story = Story().submitted("3f2a99887766", 0.0).subscribed("3f2a99887766", 0.1)
    story.say("harness.situation", 0.2, name="exit.child_killed")
    story.fault("kill_child", 0.5)
    for t in (1.0, 1.5):
        story.event("3f2a99887766", "failed", t, reason="lost")
    return story.watched(4.0)


def test_a_violation_has_its_parts_in_order():
    lines = page_of(broken_story())
    assert lines[0] == (
        "terminal.exactly-one VIOLATED · job 3f2a9988 · exit.child_killed · "
        "fault: kill_child (child) at 0.50 s"
    )
    labels = [line[2:12].strip() for line in lines[1:]]
    parts = "claim summary expected observed user sees likely source evidence again"
    wanted = parts.replace("user sees", "user_sees").split()
    assert [label.replace(" ", "_") for label in labels if label] == wanted


def test_the_evidence_names_lines_and_shows_them():
    text = "\n".join(page_of(broken_story()))
    assert "history.jsonl:6-7" in text
    assert "driver.event  event=failed seq=1 reason=lost" in text


def test_an_inconclusive_page_guesses_nothing():
    text = "\n".join(page_of(Story()))
    assert text.startswith("terminal.exactly-one INCONCLUSIVE")
    assert "likely" not in text
    assert "user sees" not in text
