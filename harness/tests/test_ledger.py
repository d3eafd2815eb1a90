import json

from harness.ledger import Executions, Folder


def append(folder, *lines, file="a.jsonl", end="\n"):
    folder.mkdir(exist_ok=True)
    with (folder / file).open("a") as stream:
        stream.write("\n".join(json.dumps(line) for line in lines) + end)


def line(what, job="j", pid=1, **more):
    return {"what": what, "job": job, "pid": pid, "t_mono": 0.0, **more}


def test_each_line_comes_out_once_in_the_order_of_its_clock(tmp_path):
    folder = Folder(tmp_path)
    append(tmp_path, line("end", t_mono=2.0))
    append(tmp_path, line("start", t_mono=1.0), file="b.jsonl")

    assert [entry["what"] for entry in folder.new_lines()] == ["start", "end"]
    assert folder.new_lines() == []


def test_a_torn_last_line_waits_until_it_is_whole(tmp_path):
    folder = Folder(tmp_path)
    append(tmp_path, line("start"))
    with (tmp_path / "a.jsonl").open("a") as stream:
        stream.write('{"what": "en')

    assert len(folder.new_lines()) == 1
    with (tmp_path / "a.jsonl").open("a") as stream:
        stream.write('d", "t_mono": 2}\n')

    assert [entry["what"] for entry in folder.new_lines()] == ["end"]


def test_a_damaged_line_is_left_out(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"what": "st\n[1]\n{"what": "end"}\n')

    assert [entry["what"] for entry in Folder(tmp_path).new_lines()] == ["end"]


def test_a_folder_that_is_not_there_yet_is_empty(tmp_path):
    assert Folder(tmp_path / "later").new_lines() == []


def executions(tmp_path):
    return Executions(tmp_path / "ledger", tmp_path / "journal")


def test_a_job_runs_between_its_start_and_its_end(tmp_path):
    seen = executions(tmp_path)
    assert seen.running("j") is None

    append(tmp_path / "ledger", line("start", pid=7, role="child"))
    assert seen.running("j")["pid"] == 7
    assert seen.open_jobs() == {"j"}

    append(tmp_path / "ledger", line("end", role="child"))
    assert seen.running("j") is None
    assert seen.open_jobs() == set()


def test_the_main_process_cannot_say_that_its_child_has_ended(tmp_path):
    append(
        tmp_path / "ledger",
        line("start", role="child"),
        line("end", role="parent", how="revoked"),
    )

    assert executions(tmp_path).running("j") is not None


def test_the_journal_decides_where_the_ledger_knows_nothing(tmp_path):
    append(tmp_path / "journal", line("start", pid=9))

    assert executions(tmp_path).running("j")["pid"] == 9


def test_a_second_attempt_runs_after_the_first_has_ended(tmp_path):
    append(
        tmp_path / "ledger",
        line("start", pid=1),
        line("end", pid=1),
        line("start", pid=2),
    )

    assert executions(tmp_path).running("j")["pid"] == 2


def test_what_the_guard_refused_is_no_execution(tmp_path):
    seen = executions(tmp_path)
    refused = {"what": "refused", "host": "db", "t_mono": 0.0}
    append(tmp_path / "ledger", refused, line("start", role="child"))

    assert seen.refused() == [refused]
    assert seen.open_jobs() == {"j"}
