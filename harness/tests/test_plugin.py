import json
from pathlib import Path

import pytest

# The inner runs share this process and forget what they import; import it before.
from harness import mutant as _mutant
from harness import run as _run
from harness.contract import contracts
from harness.engines import redis_server as _redis_server
from harness.report import page as _page
from harness.report import table as _table

pytest_plugins = ["pytester"]

LOADED = (_mutant, _page, _redis_server, _run, _table, contracts())

TARGET = 'app = "shop.broker:app"\n[commands]\napi = "{python} -m shop"\n[job.short]\n'
SOCKET = '[api]\nstatus = "GET /jobs/{job}"\n[socket]\nsubscribe = "subscribe"\n'

#: Nothing can follow here, so nobody needs to wait for it.
QUICK = '[bounds."terminal.exactly-one"]\nquiet_s = 0.05\n'

#: A scenario without a stack: it writes its own history.
TOLD = """
import pytest
from harness import NeverHappened

def tell(history, *events):
    # All of it at the start: a machine that stalls from here on casts no doubt.
    told = dict(source="driver", job="a", t=0.0)
    history.record(kind="submitted", **told, job_kind="short", accepted=True)
    history.record(kind="subscribed", **told, subscriber="anna", late=False)
    for seq, event in enumerate(events):
        data = dict(subscriber="anna", event=event, seq=seq, attempt=1)
        history.record(kind="event", **told, **data)

pytestmark = pytest.mark.contract("terminal.exactly-one")

"""


@pytest.fixture
def pytester(pytester, monkeypatch):
    """Inner runs load this plugin alone: others cost seconds each time."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "harness.plugin")
    return pytester


@pytest.fixture
def project(pytester):
    """A project of scenarios whose target has all that contracts need."""
    # The outer run has imported the plugin, which the inner one would rewrite.
    ignored = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"
    pytester.makepyprojecttoml(
        f"[tool.pytest.ini_options]\nfilterwarnings = ['error', '{ignored}']"
    )
    folder = pytester.mkdir("scenarios")
    (folder / "target.toml").write_text(TARGET + SOCKET + QUICK)
    (folder / "mutants").mkdir()

    def run(body: str, *options: str):
        (folder / "test_told.py").write_text(TOLD + body)
        return pytester.runpytest_inprocess(*options)

    run.folder = folder
    run.path = pytester.path
    return run


def latest(project) -> dict:
    return json.loads((project.path / ".qp/latest/verdicts.json").read_text())


HOLDS = "def test_it(history):\n    tell(history, 'progress', 'completed')\n"
TWICE = "def test_it(history):\n    tell(history, 'completed', 'completed')\n"
NOTHING = "def test_it(history):\n    pass\n"


def test_a_scenario_whose_contracts_hold_passes_with_a_table(project):
    result = project(HOLDS)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["terminal.exactly-one*PROG-002*holds*1*"])
    verdicts = latest(project)
    assert verdicts["exit_code"] == 0
    assert verdicts["contracts"]["terminal.exactly-one"]["status"] == "holds"
    assert (project.path / ".qp/latest/test_told--test_it/history.jsonl").exists()


def test_a_violation_is_a_page_without_a_traceback_and_exit_code_1(project):
    result = project(TWICE)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "terminal.exactly-one VIOLATED*",
            "  expected   exactly 1 terminal event",
            "  observed   completed at *",
            "  user sees  *",
            "  likely     *(a guess)",
            "  source     *",
            "  evidence   *history.jsonl:*",
            '  again      pytest "scenarios/test_told.py::test_it"',
        ]
    )
    assert "Traceback" not in result.stdout.str()
    assert "def test_it" not in result.stdout.str()


def test_a_history_that_says_nothing_is_inconclusive_and_exit_code_3(project):
    result = project(NOTHING)
    assert result.ret == 3
    result.stdout.fnmatch_lines(["terminal.exactly-one INCONCLUSIVE*"])


def test_violated_beats_inconclusive_in_the_exit_code(project):
    body = NOTHING + TWICE.replace("test_it", "test_other")
    assert project(body).ret == 1


def test_a_situation_that_never_arose_is_inconclusive_in_its_own_words(project):
    result = project(
        "def test_it(history):\n    history.until('a', 'driver.event', within_s=0.01)\n"
    )
    assert result.ret == 3
    result.stdout.fnmatch_lines(["*Expected driver.event of job a*"])
    assert "Traceback" not in result.stdout.str()


def test_a_broken_scenario_keeps_its_traceback_and_exits_with_4(project):
    result = project("def test_it(history):\n    raise RuntimeError('our mistake')\n")
    assert result.ret == 4
    result.stdout.fnmatch_lines(["E       RuntimeError: our mistake"])
    assert latest(project)["exit_code"] == 4


def test_an_unknown_contract_is_refused_at_collection(project):
    body = '@pytest.mark.contract("terminal.exactly-once")\n' + HOLDS
    result = project(body)
    assert result.ret == 2
    assert "Did you mean 'terminal.exactly-one'" in str(result.stderr) + str(
        result.stdout
    )


def test_a_marked_test_that_observes_nothing_is_refused(project):
    result = project("def test_it():\n    pass\n")
    assert result.ret == 2
    result.stdout.fnmatch_lines(["*takes neither `history` nor `driver`*"])


def test_a_wrong_target_is_refused_with_exit_code_2(project):
    (project.folder / "target.toml").write_text("ap = 1")
    assert project(HOLDS).ret == 2


def test_no_target_is_refused_with_the_places_where_one_may_be(project):
    (project.folder / "target.toml").unlink()
    result = project(HOLDS)
    assert result.ret == 2
    told = "*neither queueproof.toml nor *pyproject.toml nor scenarios/target.toml*"
    result.stdout.fnmatch_lines([told])


def test_a_target_beside_pyproject_comes_first(project):
    (project.path / "queueproof.toml").write_text(TARGET)
    result = project(HOLDS, "-rs")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*exactly-one needs api, socket*"])


def test_a_target_in_pyproject_has_its_mutants_beside_the_scenarios(project):
    (project.folder / "target.toml").unlink()
    settings = project.path / "pyproject.toml"
    tables = (TARGET + SOCKET + QUICK).replace("\n[", "\n[tool.queueproof.")
    settings.write_text(f"{settings.read_text()}\n[tool.queueproof]\n{tables}")
    mutant(project, env={"A": "1"})
    result = project(TWICE, "--mutant", "told-wrong")
    assert result.ret == 1
    assert latest(project)["mutant"] == "told-wrong"


def test_a_target_without_events_makes_the_contract_not_applicable(project):
    (project.folder / "target.toml").write_text(TARGET)
    result = project(HOLDS, "-rs")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["*not applicable: terminal.exactly-one needs api, socket*"]
    )
    verdicts = latest(project)
    assert verdicts["contracts"] == {}
    assert "needs api, socket" in verdicts["not_applicable"]["terminal.exactly-one"]


def test_a_contract_that_is_left_out_beside_another_is_told_too(project):
    also = '@pytest.mark.contract("schedule.one-run-per-slot")\n'
    result = project(also + HOLDS)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["*one-run-per-slot*not applicable*", "*one-run-per-slot: needs beat, worker*"]
    )
    assert list(latest(project)["not_applicable"]) == ["schedule.one-run-per-slot"]


def test_a_situation_that_the_application_cannot_be_put_in_is_told_too(project):
    body = (
        "from harness import NotApplicable\n"
        "def test_it(history):\n    raise NotApplicable('it has no such thing')\n"
    )
    result = project(body)
    assert result.ret == 0
    result.assert_outcomes(skipped=1)
    assert latest(project)["not_applicable"] == {
        "terminal.exactly-one": "it has no such thing"
    }


def test_an_unknown_bound_in_the_target_is_refused(project):
    wrong = QUICK.replace("quiet_s", "quiets")
    (project.folder / "target.toml").write_text(TARGET + SOCKET + wrong)
    result = project(HOLDS)
    assert result.ret == 2
    result.stdout.fnmatch_lines(["*did you mean 'quiet_s'*"])


def mutant(project, **fields):
    words = {"name": "told-wrong", "contract": "terminal.exactly-one", "why": "x"}
    given = ", ".join(f"{k}={v!r}" for k, v in {**words, **fields}.items())
    text = f"from harness import Mutant\nMUTANT = Mutant({given})\n"
    (project.folder / "mutants" / "terminal_wrong.py").write_text(text)


def test_a_mutant_runs_its_contracts_scenarios_and_stops_when_caught(project):
    mutant(project, env={"A": "1"})
    other = '@pytest.mark.contract("result.ready-when-announced")\n'
    (project.folder / "test_other.py").write_text(
        "import pytest\n" + other + "def test_other(history): ...\n"
    )
    body = TWICE + HOLDS.replace("test_it", "test_second")
    result = project(body, "--mutant", "told-wrong")
    assert result.ret == 1
    result.assert_outcomes(failed=1, deselected=1)
    result.stdout.fnmatch_lines(["*mutant told-wrong was caught*"])
    result.stdout.fnmatch_lines(["*again*--mutant told-wrong"])
    assert latest(project)["mutant"] == "told-wrong"


def test_a_mutant_nobody_notices_exits_with_0(project):
    mutant(project, env={"A": "1"})
    assert project(HOLDS, "--mutant", "told-wrong").ret == 0


FLAG = "[flag.on]\nNEW = 1\n[flag.off]\nNEW = 0\n"
STAGED = (
    "@pytest.mark.stages('before', 'mixed')\n" + HOLDS + HOLDS.replace("_it", "_after")
)


@pytest.mark.parametrize(("stage", "runs"), [("before", "_it"), ("after", "_after")])
def test_at_a_stage_the_scenarios_of_it_run_and_no_others(project, stage, runs):
    (project.folder / "target.toml").write_text(TARGET + SOCKET + QUICK + FLAG)
    result = project(STAGED, "--stage", stage)
    result.assert_outcomes(passed=1, deselected=1)
    (told,) = latest(project)["tests"]
    assert told["test"].endswith(runs)
    assert told["again"].endswith(f" --stage {stage}")


def test_without_a_stage_all_of_them_run(project):
    project(STAGED).assert_outcomes(passed=2)


def test_a_stage_without_a_flag_or_one_that_there_is_not_is_wrong_use(project):
    result = project(STAGED, "--stage", "before")
    assert result.ret == 2
    result.stdout.fnmatch_lines(["*the target has no ?flag.on?*"])
    body = HOLDS.replace("def", "@pytest.mark.stages('befor')\ndef", 1)
    (project.folder / "target.toml").write_text(TARGET + SOCKET + QUICK + FLAG)
    assert project(body, "--stage", "before").ret == 2


def test_an_unknown_mutant_gets_the_nearest_and_exit_code_2(project):
    mutant(project, env={"A": "1"})
    result = project(HOLDS, "--mutant", "told-rong")
    assert result.ret == 2
    result.stdout.fnmatch_lines(["*Did you mean 'told-wrong'*"])


def test_a_mutant_without_scenarios_is_wrong_use(project):
    mutant(project, env={"A": "1"}, contract="terminal.every-exit")
    assert project(HOLDS, "--mutant", "told-wrong").ret == 2


def test_the_engine_is_told_in_the_verdicts_and_the_command_to_repeat(project):
    assert project(TWICE, "--engine", "container").ret == 1
    told = latest(project)
    assert told["engine"] == "container"
    assert told["tests"][0]["again"].endswith(" --engine container")


def test_the_run_folder_can_be_chosen(project, tmp_path):
    assert project(HOLDS, "--run-dir", str(tmp_path / "run")).ret == 0
    assert (tmp_path / "run" / "verdicts.json").exists()
    assert not (project.path / ".qp" / "latest").exists()


def test_tests_without_a_contract_are_left_alone(pytester):
    pytester.makepyfile("def test_plain():\n    assert False\n")
    result = pytester.runpytest_inprocess()
    assert result.ret == 1
    assert not (pytester.path / ".qp").exists()
    assert "queueproof" not in result.stdout.lines[-3:]


def test_markers_are_registered(pytester):
    result = pytester.runpytest_inprocess("--markers")
    result.stdout.fnmatch_lines(["@pytest.mark.contract(*ids)*"])
    result.stdout.fnmatch_lines(["@pytest.mark.stages(*names)*"])


def test_a_real_worker_is_started_once_and_judged(project, pytester):
    """The smallest application: one stack for two scenarios, one of which is wrong."""
    apps = Path(__file__).parent / "apps" / "target.toml"
    body = (
        "import pytest\n"
        "pytestmark = pytest.mark.contract('time_limit.deployed-pool-enforces')\n"
        "def send(agent, target, history, **limits):\n"
        "    task = agent.probe('sleep', seconds=3, queue=target.queues[0], **limits)\n"
        "    history.settle(task, within_s=20)\n"
        "def test_limited(agent, target, history):\n"
        "    send(agent, target, history, soft_s=1, hard_s=2)\n"
        "def test_too_short(agent, target, history):\n"
        "    send(agent, target, history, soft_s=9, hard_s=10)\n"
    )
    (project.folder / "test_told.py").write_text(body)
    result = pytester.runpytest_inprocess(f"--target={apps}")
    assert result.ret == 3
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*INCONCLUSIVE*", "*The task ended before its limit*"])
    run = project.path / ".qp" / "latest"
    assert [folder.name for folder in (run / "stacks").iterdir()] == ["1"]
    assert latest(project)["environment"]["pool"] == "prefork"
