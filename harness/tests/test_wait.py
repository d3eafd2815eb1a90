import pytest

from harness.errors import TooSlow
from harness.wait import pause, wait_until


def test_the_first_truthy_value_is_returned():
    answers = iter([None, 0, "here"])

    assert wait_until(lambda: next(answers), within_s=5, what="an answer") == "here"


def test_a_condition_that_is_met_already_is_looked_at_once():
    looks = []

    wait_until(lambda: looks.append(1) or True, within_s=5, what="it")

    assert len(looks) == 1


def test_giving_up_names_what_how_long_the_last_value_and_more():
    with pytest.raises(TooSlow) as caught:
        wait_until(
            lambda: [],
            within_s=0.01,
            what="worker-1 answers ping",
            on_timeout=lambda: "last lines of worker.log: boom",
        )

    message = str(caught.value)
    assert "worker-1 answers ping: not within 0.01 s" in message
    assert "Last value: []" in message
    assert message.endswith("last lines of worker.log: boom")


def test_it_looks_once_more_after_the_deadline():
    looks = []

    def late():
        looks.append(1)
        pause(0.05)
        return len(looks) == 2

    assert wait_until(late, within_s=0.01, what="the second look")
