import math

from harness.deciding import watch_until_decided
from harness.history import History, Observation
from harness.verdict import holds, inconclusive, violated


def watched(*verdicts):
    """Return the seconds that somebody watches on who is told these verdicts."""
    history = History()
    watch_until_decided(history, lambda: verdicts)
    return history.watched_until_s


def test_what_is_decided_is_not_watched_any_longer():
    assert watched(holds("kept"), violated("broken", due_t=30.0)) < 15.0
    assert watched() < 15.0


def test_it_watches_until_the_last_law_can_decide():
    early, late = inconclusive("?", due_t=0.05), inconclusive("?", due_t=0.2)
    assert 0.2 <= watched(late, early) < 15.0


def test_what_watching_cannot_decide_is_not_waited_for():
    assert watched(inconclusive("?"), inconclusive("?", due_t=math.inf)) < 15.0


def test_a_law_that_decides_early_ends_the_watching():
    history = History()
    asked = []

    def judged():
        asked.append(history.now())
        return [holds("kept") if len(asked) > 1 else inconclusive("?", due_t=30.0)]

    news = [Observation(0.0, "ledger", "end")]
    history.collect_from(lambda start_mono: [news.pop()] if asked and news else [])
    watch_until_decided(history, judged)
    assert len(asked) == 2
    assert history.watched_until_s < 15.0
