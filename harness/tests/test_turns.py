import threading

from harness import turns
from harness.wait import wait_until


def test_the_second_starts_when_the_first_has_started(tmp_path, monkeypatch):
    monkeypatch.setenv(turns.VARIABLE, str(tmp_path / "turns"))
    said, second_waits = [], threading.Event()

    def second():
        second_waits.set()
        with turns.start_turn():
            said.append("second")

    other = threading.Thread(target=second)
    with turns.start_turn():
        other.start()
        assert second_waits.wait(5)
        other.join(0.1)
        said.append("first")
    other.join(5)
    assert said == ["first", "second"]


def test_nobody_waits_where_no_file_is_named(monkeypatch):
    monkeypatch.delenv(turns.VARIABLE, raising=False)
    with turns.start_turn(), turns.start_turn():
        pass


def test_a_turn_ends_with_an_error_of_its_body(tmp_path, monkeypatch):
    monkeypatch.setenv(turns.VARIABLE, str(tmp_path / "turns"))
    try:
        with turns.start_turn():
            raise OSError
    except OSError:
        pass
    free = threading.Event()

    def take():
        with turns.start_turn():
            free.set()

    threading.Thread(target=take, daemon=True).start()
    wait_until(free.is_set, within_s=5, what="the turn is free")
