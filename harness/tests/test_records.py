import json
import time

from harness.history import History
from harness.records import Follower


def write(folder, **line):
    line = {"what": "start", "t_mono": 100.0, "t_wall": 0.0, "job": "a", **line}
    with (folder / f"ledger-{line.get('pid', 1)}.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")


def test_lines_become_observations_on_our_clock(tmp_path):
    follow = Follower(tmp_path, "ledger")
    write(tmp_path, pid=7, role="child")
    (seen,) = follow(90.0)
    assert (seen.name, seen.job, seen.t) == ("ledger.start", "a", 10.0)
    assert dict(seen.data) == {"pid": 7, "role": "child"}


def test_each_line_comes_once_and_the_past_not_at_all(tmp_path):
    write(tmp_path, pid=7, job="before")
    follow = Follower(tmp_path, "ledger")
    write(tmp_path, pid=7)
    assert [o.job for o in follow(0.0)] == ["a"]
    assert list(follow(0.0)) == []
    write(tmp_path, pid=8, job="b")
    assert [o.job for o in follow(0.0)] == ["b"]


def test_a_folder_that_does_not_exist_yet_is_empty(tmp_path):
    assert list(Follower(tmp_path / "later", "journal")(0.0)) == []


def test_a_line_from_another_boot_is_placed_by_wall_time(tmp_path):
    follow = Follower(tmp_path, "ledger")
    start_mono = time.monotonic()
    write(tmp_path, t_wall=time.time() + 5.0, boot="another")
    (seen,) = follow(start_mono)
    assert 4.0 < seen.t < 6.0


def test_damaged_lines_are_left_out(tmp_path):
    follow = Follower(tmp_path, "ledger")
    (tmp_path / "ledger-1.jsonl").write_text('nonsense\n{"what": "start"}\n')
    history = History(start_mono=0.0)
    history.collect_from(follow)
    history.collect()
    assert history.observations == ()
