import json
import re

import pytest

from harness.contract import find_contract
from harness.judge import judge
from harness.rejudge import Rejudged
from harness.report.html import render
from harness.report.verdict_file import Judged
from harness.tests.story import Story

LAW = "terminal.exactly-one"
EVIL = "</script><img src=x onerror=\"document.title='hurt'\">"


def judged(story: Story, *laws: str, test: str = "test_x.py::test_y") -> Rejudged:
    """Judge a story as `queueproof judge` does."""
    verdicts = {law: judge(find_contract(law), story.history) for law in laws}
    told = Judged(test, "folder", f'pytest "{test}"', verdicts)
    return Rejudged(story.history, told, (), ())


def story_of(endings: int) -> Story:
    story = Story(started_at="2026-01-02T03:04:05.678+00:00", mutant="bad")
    story.submitted("3f2a99887766", 0.0).subscribed("3f2a99887766", 0.1)
    for number in range(endings):
        story.event("3f2a99887766", "completed", 1.0 + number)
    return story.watched(9.0)


def text_of(page: str) -> str:
    body = re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def data_of(page: str, number: int = 0) -> dict:
    found = re.search(rf'id="data-{number}">(.*?)</script>', page, flags=re.DOTALL)
    assert found
    return json.loads(found.group(1))


def test_a_violation_tells_what_happened_and_how_to_see_it_again():
    text = text_of(render([judged(story_of(2), LAW)], name="a run"))
    contract = find_contract(LAW)
    order = [
        "✗ violated 1 contract",
        *("mutant bad", "began 2026-01-02 03:04:05 UTC"),
        *("anna saw 2 endings.", "job 3f2a9988", f"The promise: {contract.claim}"),
        "expected exactly 1 terminal event",
        "observed completed at 1.00 s, completed at 2.00 s",
        f"The user sees {contract.user_sees}",
        "Likely cause (a guess)",
        "Evidence",
        "event=completed seq=1",
        "See it again pytest &#34;test_x.py::test_y&#34;",
    ]
    places = [text.find(part) for part in order]
    assert -1 not in places, order[places.index(-1)]
    assert places == sorted(places)


def test_the_worst_comes_first():
    tests = [
        judged(story_of(1), LAW, test="t.py::test_good"),
        judged(Story(), LAW, test="t.py::test_unknown"),
        judged(story_of(2), LAW, test="t.py::test_bad"),
    ]
    text = text_of(render(tests, name="a run"))
    names = ("t.py::test_bad", "t.py::test_unknown", "t.py::test_good")
    places = [text.index(f"{name} ") for name in names]
    assert places == sorted(places)
    assert "1 of 3" in text


def test_what_does_not_hold_is_open_and_the_rest_is_closed():
    tests = [judged(story_of(1), LAW), judged(story_of(2), LAW)]
    page = render(tests, name="a run")
    assert '<details class="test" id="t1" open>' in page
    assert '<details class="test" id="t0">' in page


def test_each_status_has_a_sign_and_a_word():
    for endings, words in ((1, "✓ holds"), (2, "✗ violated")):
        assert words in text_of(render([judged(story_of(endings), LAW)], name="r"))
    assert "? inconclusive" in text_of(render([judged(Story(), LAW)], name="r"))


def test_contracts_that_fail_for_one_reason_share_a_page():
    found = judged(Story(), LAW, "terminal.every-exit")
    same = dict.fromkeys(found.judged.verdicts, found.judged.verdicts[LAW])
    told = Judged("t", "t", "pytest t", same)
    page = render([Rejudged(found.history, told, (), ())], name="r")
    assert page.count("<article") == 1
    assert "For the same reason: terminal.every-exit" in text_of(page)


def test_the_page_carries_the_whole_history():
    story = story_of(2)
    seen = data_of(render([judged(story, LAW)], name="r"))["seen"]
    assert len(seen) == len(story.history.observations)


def test_every_link_of_the_page_has_its_place():
    page = render([judged(story_of(2), LAW, "progress.never-goes-back")], name="r")
    ids = set(re.findall(r'id="([^"]+)"', page))
    assert len(ids) == len(re.findall(r'id="([^"]+)"', page))
    lines = len(data_of(page)["seen"])
    for target in re.findall(r'href="#([^"]+)"', page):
        special = re.fullmatch(r"t0-(?:line|marks)-(\d+)", target)
        assert int(special[1]) <= lines if special else target in ids, target


@pytest.mark.parametrize("where", ["job", "test", "subscriber", "message"])
def test_hostile_words_stay_words(where):
    words = dict.fromkeys(("job", "test", "subscriber", "message"), "fine")
    words[where] = EVIL
    story = Story().submitted(words["job"], 0.0)
    story.subscribed(words["job"], 0.1, by=words["subscriber"])
    for t in (1.0, 2.0):
        by, told = words["subscriber"], words["message"]
        story.event(words["job"], "completed", t, by=by, message=told)
    found = judged(story.watched(9.0), LAW, test=words["test"])
    page = render([found], name=words["test"], about={"notes": [EVIL]})
    assert "<img" not in page
    assert page.count("</script>") == 2  # the data's and the script's own
    assert page.count("&lt;/script&gt;&lt;img") >= 1  # the note
    assert EVIL in data_of(page)["jobs"] or where != "job"


def test_the_page_asks_nothing_of_the_network():
    page = render([judged(story_of(2), LAW)], name="r")
    assert "default-src 'none'" in page
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//", page)
    assert not re.search(r"@import|url\(", page)


def test_lanes_that_a_crop_leaves_out_are_counted():
    story = Story().submitted("a", 0.0)
    for number in range(30):
        story.subscribed("a", 0.1, by=f"page-{number}")
    for t in (1.0, 2.0):
        story.event("a", "completed", t, by="page-0")
    text = text_of(render([judged(story.watched(9.0), LAW)], name="r"))
    assert "19 more lanes of this job are in the whole timeline." in text


def test_what_the_run_says_beside_its_verdicts_is_told():
    about = {
        "environment": {"celery": "5.7.0"},
        "errors": ["test_z: StackError: no"],
        "notes": ["stack replaced"],
    }
    text = text_of(render([judged(story_of(1), LAW)], name="r", about=about))
    assert "celery 5.7.0" in text
    assert "Error: test_z: StackError: no" in text
    assert "Note: stack replaced" in text


def test_a_history_that_nobody_judged_still_has_a_timeline():
    page = render([judged(story_of(1))], name="r")
    assert "No contract was judged." in text_of(page)
    assert data_of(page)["lanes"]
