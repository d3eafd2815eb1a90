import json
import threading

import pytest

from harness.errors import HistoryError, NeverHappened
from harness.history import History, Observation


def later(seconds, call):
    """Call something from another thread, a moment from now."""
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()
    return timer


def test_each_observation_is_on_disk_when_record_returns(tmp_path):
    history = History(tmp_path / "run" / "history.jsonl")
    history.record("driver", "submitted", "a", job_kind="compare")
    line = json.loads((tmp_path / "run" / "history.jsonl").read_text())
    assert line["source"] == "driver"
    assert line["data"] == {"job_kind": "compare"}
    history.seal()


def test_a_saved_history_loads_as_it_was(tmp_path):
    history = History(start_mono=0.0)
    history.record("harness", "run", t=0.0, schema=1)
    history.record("driver", "event", "a", 1.25, percent=5, message="Grüße")
    history.save(tmp_path / "history.jsonl")
    loaded = History.load(tmp_path / "history.jsonl")
    assert loaded.observations == history.observations
    assert [o.line for o in loaded.observations] == [1, 2]


def test_a_torn_last_line_is_dropped_and_a_damaged_one_refused(tmp_path):
    path = tmp_path / "history.jsonl"
    good = Observation(0.5, "driver", "event", "a").to_json()
    path.write_text(f'{good}\n{{"t": 1.0, "sou')
    assert len(History.load(path).observations) == 1
    path.write_text(f"{good}\nnonsense\n{good}\n")
    with pytest.raises(HistoryError, match=r"history\.jsonl:2"):
        History.load(path)


def test_an_unknown_schema_is_refused(tmp_path):
    path = tmp_path / "history.jsonl"
    history = History()
    history.record("harness", "run", schema=99)
    history.save(path)
    with pytest.raises(HistoryError, match="schema 99"):
        History.load(path)


def test_a_missing_file_is_an_error_of_ours(tmp_path):
    with pytest.raises(HistoryError, match="Cannot read"):
        History.load(tmp_path / "nothing.jsonl")


def test_many_threads_lose_no_line_and_no_number(tmp_path):
    history = History(tmp_path / "history.jsonl")

    def write(name):
        for n in range(100):
            history.record("driver", "event", name, seq=n)

    threads = [threading.Thread(target=write, args=(f"{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    history.seal()
    loaded = History.load(tmp_path / "history.jsonl")
    assert [o.line for o in loaded.observations] == list(range(1, 801))
    for n in range(8):
        assert [o["seq"] for o in loaded.of(job=f"{n}")] == list(range(100))


def test_until_returns_what_happened_before_it_was_asked():
    history = History()
    first = history.record("driver", "event", "a", event="progress", percent=5)
    history.record("driver", "event", "a", event="progress", percent=10)
    assert history.until("a", event="progress", within_s=1) == first


def test_until_wakes_up_for_what_comes_later():
    history = History()
    later(0.05, lambda: history.record("driver", "event", "b", event="progress"))
    later(0.1, lambda: history.record("driver", "event", "a", event="completed"))
    found = history.until("a", event="completed", within_s=10)
    assert (found.job, found["event"]) == ("a", "completed")


def test_until_understands_kinds_and_conditions():
    history = History()
    history.record("journal", "start", "a", pid=1)
    history.record("ledger", "start", "a", pid=2)
    assert history.until("a", "ledger.start", within_s=1)["pid"] == 2
    assert history.until("a", "start", within_s=1)["pid"] == 1
    found = history.until("a", "start", where=lambda o: o["pid"] > 1, within_s=1)
    assert found["pid"] == 2


def test_until_names_what_never_happened_and_what_was_seen():
    history = History()
    history.record("driver", "submitted", "a")
    with pytest.raises(NeverHappened, match=r"driver\.event progress of job a"):
        history.until("a", event="progress", within_s=0.01)
    with pytest.raises(NeverHappened, match=r"driver\.submitted"):
        history.until("a", event="progress", within_s=0.01)


def subscribed(history, *names):
    history.record("driver", "submitted", "a", accepted=True)
    for name in names:
        history.record("driver", "subscribed", "a", subscriber=name, late=False)


def ending(history, name):
    history.record("driver", "event", "a", subscriber=name, event="completed")


def test_settle_waits_for_the_ending_at_every_subscriber():
    history = History()
    subscribed(history, "anna", "ben")
    ending(history, "anna")
    later(0.1, lambda: ending(history, "ben"))
    assert history.settle("a", within_s=10)
    settled = history.observations[-1]
    assert settled.name == "harness.settled"
    assert settled["ended"]


def test_settle_does_not_raise_when_time_is_up():
    history = History()
    subscribed(history, "anna")
    assert not history.settle("a", within_s=0.05)
    assert history.observations[-1].get("ended") is False


def test_settle_waits_for_the_end_of_the_run_too():
    history = History()
    subscribed(history, "anna")
    history.record("journal", "start", "a", pid=7)
    ending(history, "anna")
    later(0.1, lambda: history.record("journal", "end", "a", pid=7, how="returned"))
    assert history.settle("a", within_s=10)
    assert history.of(kind="end")


def test_settle_expects_no_end_from_a_process_that_a_fault_killed():
    history = History()
    subscribed(history, "anna")
    history.record("journal", "start", "a", pid=7)
    victim = {"role": "child", "pid": 7}
    history.record(
        "fault", "injected", "a", fault="kill_child", victim=victim, bit=True
    )
    ending(history, "anna")
    assert history.settle("a", within_s=10)


def test_a_task_that_nobody_watches_settles_with_its_run():
    history = History()
    history.record("send", "accepted", "p", task="sleep", soft_s=1, hard_s=2)
    history.record("ledger", "start", "p", pid=7, role="child")
    later(0.05, lambda: history.record("ledger", "end", "p", pid=1, role="parent"))
    assert history.settle("p", within_s=10)


def test_collectors_are_asked_while_somebody_waits():
    history = History()
    waiting = []

    def collect(start_mono):
        while waiting:
            yield waiting.pop()

    history.collect_from(collect)
    later(0.05, lambda: waiting.append(Observation(0.1, "journal", "start", "a")))
    assert history.until("a", "journal.start", within_s=10).t == 0.1


def test_after_the_seal_nothing_is_added(tmp_path):
    history = History(tmp_path / "history.jsonl")
    history.record("driver", "submitted", "a")
    history.seal()
    history.seal()
    history.record("driver", "event", "a")
    assert len(history.observations) == 1


def test_watching_on_ends_with_news_or_with_the_time():
    history = History()
    later(0.05, lambda: ending(history, "anna"))
    history.watch_on(until_t=60.0)
    assert history.of(kind="event")
    before_t = history.now()
    history.watch_on(until_t=before_t + 0.1)
    assert history.watched_until_s >= before_t + 0.1


def test_jobs_are_those_the_scenario_brought_in_that_order():
    history = History()
    history.record("driver", "submitted", "b", accepted=True)
    history.record("send", "accepted", "a")
    history.record("driver", "event", "foreign", event="progress")
    assert [job.id for job in history.jobs] == ["b", "a"]
