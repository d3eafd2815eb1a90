import json
import os
import sys
from types import SimpleNamespace

import pytest

from ci import soak, soak_report

#: A run that takes no time: it writes what `scenario.py` says and exits with its code.
SCENARIO = """
import json, pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
told = json.loads(pathlib.Path("told.json").read_text())
if told["verdicts"]:
    (folder / "verdicts.json").write_text(json.dumps(told["verdicts"]))
time.sleep(told["seconds"])
sys.exit(told["exit_code"])
"""

HELD = {
    "status": "holds",
    "measured": {"kill": {"worst": 0.1, "bound": 2, "unit": "s"}},
}


@pytest.fixture
def told(monkeypatch, tmp_path):
    """Return a function that says what each following run does."""
    (tmp_path / "scenario.py").write_text(SCENARIO)
    script = str(tmp_path / "scenario.py")
    monkeypatch.setattr(soak, "ROOT", tmp_path)
    monkeypatch.setattr(soak, "SOAK", tmp_path / "soak")
    monkeypatch.setattr(
        soak, "command", lambda engine, folder: [sys.executable, script, str(folder)]
    )

    def say(exit_code=0, contract=HELD, seconds=0, **more):
        verdicts = {"contracts": {"x.y": contract}, **more} if contract else {}
        content = {"exit_code": exit_code, "verdicts": verdicts, "seconds": seconds}
        (tmp_path / "told.json").write_text(json.dumps(content))

    say()
    return say


def _here(runs):
    return soak.main(["--runs", str(runs), "--here"])


def test_it_does_so_many_runs_and_tells_the_spread(told, capsys):
    assert _here(2) == 0
    told(
        contract={
            **HELD,
            "measured": {"kill": {**HELD["measured"]["kill"], "worst": 1.7}},
        }
    )
    assert _here(3) == 0
    shown = capsys.readouterr().out
    assert "3 of 3" in shown
    assert "kill 0.10 / 0.10 / 1.70 of 2 s" in shown


def test_it_stops_at_nothing_and_the_worst_is_the_exit_code(told, capsys):
    told(3, {"status": "inconclusive"})
    assert _here(1) == 3
    told(4, None)
    assert _here(2) == 4
    told(1, {"status": "violated"})
    assert _here(3) == 1
    told()
    assert _here(4) == 1
    shown = capsys.readouterr().out
    assert "failed: 002 failed: exit 4" in shown
    assert "in 001, 003" in shown


def test_a_contract_that_one_run_did_not_judge_has_not_held(told):
    assert _here(1) == 0
    told(contract=None)
    assert _here(2) == 4
    other = {"x.z": HELD}
    runs = [{"name": n, "exit_code": 0, "verdicts": {}} for n in ("001", "002")]
    runs[0]["verdicts"] = {"contracts": {"x.y": HELD, **other}}
    runs[1]["verdicts"] = {"contracts": {"x.y": HELD}}
    assert soak_report.exit_code(runs) == 3


def test_what_no_bound_limits_is_told_with_its_unit(told, capsys):
    free = {"worst": 4.0, "bound": None, "unit": "s"}
    told(contract={"status": "holds", "measured": {"boot": free}})
    assert _here(1) == 0
    assert "boot 4.00 / 4.00 / 4.00 s" in capsys.readouterr().out


def test_an_error_of_the_harness_is_no_good_run(told):
    told(errors=["test_a: TooSlow"])
    assert _here(1) == 4


def test_a_run_that_was_cut_off_is_done_again_and_the_others_are_kept(told):
    _here(2)
    home = soak.SOAK / "process"
    kept = (home / "001" / soak_report.ENDED).read_text()
    (home / "002" / soak_report.ENDED).unlink()
    (home / "002" / "half").touch()
    _here(2)
    assert not (home / "002" / "half").exists()
    assert (home / "002" / soak_report.ENDED).is_file()
    assert (home / "001" / soak_report.ENDED).read_text() == kept


def test_a_run_that_takes_too_long_is_ended_and_counts_as_failed(
    told, monkeypatch, capsys
):
    monkeypatch.setattr(soak, "RUN_WITHIN_S", 0.2)
    told(seconds=60)
    assert _here(1) == 4
    assert "001 took too long" in capsys.readouterr().out


@pytest.mark.parametrize("runs", ["0", "1000", "many"])
def test_how_many_is_bounded(runs):
    with pytest.raises(SystemExit) as end:
        soak.main(["--runs", runs])
    assert end.value.code == 2


def test_a_second_one_tells_and_does_not_start_another(told, monkeypatch, capsys):
    monkeypatch.setattr(soak, "in_background", pytest.fail)
    home = soak.SOAK / "process"
    with soak.alone(home) as lock:
        soak._write_pid(lock, 7)
        assert soak.main(["--runs", "7"]) == 0
    assert f"process {os.getpid()} goes on to 7" in capsys.readouterr().out


def test_it_goes_on_in_a_session_of_its_own(told, monkeypatch, tmp_path):
    """The background process is this module: here one that only says who it is."""
    (tmp_path / "ci").mkdir()
    (tmp_path / "ci" / "soak.py").write_text(
        "import os, sys; print(os.getsid(0) == os.getpid(), *sys.argv[1:])"
    )
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert soak.in_background(["--runs", "2"], tmp_path).wait(timeout=20) == 0
    assert (tmp_path / "soak.log").read_text() == "True --runs 2 --here\n"


def test_the_command_returns_at_once_and_what_is_left_goes_on(
    told, monkeypatch, capsys
):
    _here(1)
    started = []

    def in_background(arguments, home):
        started.append((arguments, home))
        return SimpleNamespace(pid=4711)

    monkeypatch.setattr(soak, "in_background", in_background)
    assert soak.main(["--runs", "3"]) == 0
    home = soak.SOAK / "process"
    assert started == [(["--runs", "3", "--engine", "process"], home)]
    assert "1 runs have ended; process 4711 goes on to 3" in capsys.readouterr().out
    assert soak.main(["--runs", "1"]) == 0
    assert len(started) == 1, "nothing is left to do"
