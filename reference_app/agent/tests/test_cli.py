"""Commands on a real database and the old path; no Redis anywhere."""

import asyncio
import json
import signal
import subprocess
import sys

import pytest
from click.testing import CliRunner

from reference_app import endings, local_path, worker
from reference_app.__main__ import main
from reference_app.agent import cli, console_run, starts
from reference_app.jobs import Path, State
from reference_app.settings import settings

CACHES = settings, endings._store, endings._client


@pytest.fixture(scope="module")
def patch():
    with pytest.MonkeyPatch.context() as patch:
        yield patch
    for cache in CACHES:
        cache.cache_clear()


@pytest.fixture(scope="module")
def jobs(patch, tmp_path_factory):
    """The job records of a deployment without any Redis."""
    folder = tmp_path_factory.mktemp("agent")
    gone = "redis://127.0.0.1:1"
    variables = {
        "CELERY_BROKER_URL": f"{gone}/0",
        "CELERY_RESULT_BACKEND": f"{gone}/1",
        "EVENTS_URL": f"{gone}/2",
        "DATABASE_URL": f"sqlite:///{folder / 'jobs.db'}",
        "DATA_DIR": folder,
        "AGENT_KB_DIR": folder / "kb",
        "JOURNAL_DIR": "",
        "USE_CELERY": "false",
    }
    for name, value in variables.items():
        patch.setenv(name, str(value))
    for cache in CACHES:
        cache.cache_clear()
    return endings.store()


@pytest.fixture
def no_worker(jobs):
    """Jobs wait, and none is left."""
    yield jobs
    for job in jobs.recent(only_active=True):
        endings.finish(job.id, State.CANCELLED)


@pytest.fixture
def old_path(jobs):
    """What runs the jobs."""
    place = {"agent.run_agent": "reference_app.agent.runs:run_agent"}
    path = local_path.LocalPath(settings(), place)
    path.start()
    yield path
    path.stop()


def agent(*words):
    return CliRunner().invoke(main, ["agent", *map(str, words)])


@pytest.mark.feature("S4-15")
def test_a_run_is_told_phase_by_phase_and_the_next_one_finds_nothing_to_do(
    old_path, notes, monkeypatch
):
    monkeypatch.setattr(
        console_run, "TAKEN_S", 60
    )  # its process may import for a while
    first = agent("run", "--source", notes)
    assert first.exit_code == 0, first.output
    task_id, *page = first.stdout.splitlines()
    assert endings.store().get(task_id).request["source"] == str(notes)
    assert page[2].split() == ["content", "processing", "done", "━" * 14, "4", "done"]
    assert f"knowledge base  {settings().agent_kb_dir}\n" in first.stdout
    assert "commit          none" not in first.stdout
    assert (settings().agent_kb_dir / "README.md").is_file()
    second = agent("run", "--source", notes, "--json")
    assert (second.exit_code, second.stderr) == (0, "")
    told = json.loads(second.stdout)
    assert told["state"] == "completed"
    assert told["result"]["phases"]["content_processing"]["unchanged"] == 4
    assert told["result"]["commit"] == ""
    no_sync = '{"skip_git_sync": true}'
    third = agent("run", "--source", notes, "--preferences", no_sync)
    assert third.exit_code == 0
    assert "git sync              skipped" in third.stdout
    assert "commit" not in third.stdout


def test_a_run_that_fails_says_why_and_where(old_path, tmp_path):
    source = tmp_path / "bookmarks.json"
    source.write_text("no JSON")
    failed = agent("run", "--source", source)
    assert failed.exit_code == 1
    assert "fetch bookmarks       failed" in failed.stdout
    assert "failed: SourceError" in failed.stderr
    told = agent("run", "--source", source, "--json")
    assert told.exit_code == 1
    assert json.loads(told.stdout)["error"].startswith("SourceError")


def test_without_waiting_only_the_id_is_printed(no_worker):
    told = agent("run", "--no-wait", "--preferences", '{"skip_git_sync": true}')
    assert (told.exit_code, told.stderr) == (0, "")
    job = no_worker.get(told.stdout.strip())
    assert job.state is State.PENDING
    assert job.request == {"preferences": {"skip_git_sync": True}}
    told = agent("run", "--no-wait", "--json")
    assert json.loads(told.stdout)["state"] == "pending"


def test_a_run_that_is_not_accepted_is_said_and_is_exit_code_1(no_worker):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AGENT_WHEN_BUSY", "refuse")
        settings.cache_clear()
        running = agent("run", "--no-wait").stdout.strip()
        refused = agent("run")
        as_json = agent("run", "--json")
    settings.cache_clear()
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith("Not accepted: ")
    assert running in refused.stderr
    assert as_json.exit_code == 1
    assert json.loads(as_json.stdout)["state"] == "refused"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{skip", "'{skip' is no JSON"),
        ("[]", "'[]' is no JSON object"),
        ('{"skip_all": true}', "No preference 'skip_all'"),
        ('{"skip_git_sync": 1}', "skip_git_sync is 1; say true or false"),
    ],
)
def test_preferences_that_are_none_are_wrong_use(jobs, text, said):
    before = len(jobs.recent())
    told = agent("run", "--preferences", text)
    assert told.exit_code == 2
    words = " ".join(told.stderr.split())
    assert said in words
    assert "say true" in words or "force_regenerate_readme" in words
    assert len(jobs.recent()) == before


def test_a_source_that_is_not_there_is_wrong_use(tmp_path):
    told = agent("run", "--source", tmp_path / "nowhere")
    assert told.exit_code == 2
    assert "nowhere" in told.stderr


@pytest.mark.parametrize("busy", ["", "processing.generate_readme"])
def test_that_nobody_takes_a_job_is_said_with_what_to_do(no_worker, monkeypatch, busy):
    monkeypatch.setattr(console_run, "TAKEN_S", 0.05)
    task_id = starts.start({})
    if busy:
        no_worker.create("other", busy, {}, path=Path.LOCAL)
        no_worker.start("other", path=Path.LOCAL)
    said, seen = [], []

    def say(text):
        said.append(text)
        endings.finish(task_id, State.CANCELLED)

    asyncio.run(console_run.follow(task_id, seen.append, say))
    (text,) = said
    assert (f"{busy} other runs" if busy else "python -m reference_app api") in text
    assert [event["kind"] for event in seen] == ["cancelled"]


def test_ctrl_c_stops_watching_and_says_how_to_stop_the_job(no_worker):
    command = [sys.executable, "-m", "reference_app", "agent", "run"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        task_id = process.stdout.readline().strip()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert f"agent stop {task_id}" in said
    assert no_worker.get(task_id).state is State.PENDING


def test_stop_prints_what_became_of_the_wish(no_worker):
    task_id = starts.start({"preferences": {}})
    assert agent("stop", task_id).stdout == "cancelled\n"
    assert agent("stop", task_id).stdout == "already_cancelled\n"


def test_only_a_task_of_the_agents_is_stopped(no_worker):
    no_worker.create("another", "steering.compare", {}, path=Path.LOCAL)
    for task_id in ("nobody", "another"):
        told = agent("stop", task_id)
        assert told.exit_code == 1
        assert task_id in told.stderr
    assert no_worker.get("another").cancel_requested_at is None


@pytest.mark.feature("S4-15")
def test_state_tells_who_runs_and_how_many_wait(no_worker):
    assert agent("state").stdout == "runs   none\nwaits  0\n"
    running, _ = starts.start({}), starts.start({})
    no_worker.start(running, path=Path.LOCAL)
    assert agent("state").stdout == f"runs   {running}\nwaits  1\n"
    assert json.loads(agent("state", "--json").stdout)["current_task_id"] == running


@pytest.mark.feature("S4-15")
def test_the_worker_serves_the_three_queues_unless_told_otherwise(monkeypatch, jobs):
    lines = []
    monkeypatch.setattr(worker, "main", lines.append)
    agent("worker")
    agent("worker", "-Q", "chat", "-c", "2", "--loglevel=DEBUG", "--pool", "solo")
    assert "--queues=agent,processing,chat" in lines[0]
    assert "--concurrency=1" in lines[0]
    assert {"--queues=chat", "--concurrency=2"} <= {*lines[1]}
    assert lines[1][-3:] == ["--loglevel=DEBUG", "--pool", "solo"]


@pytest.mark.feature("S4-15")
def test_without_flower_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "flower", None)
    told = agent("monitor")
    assert told.exit_code == 2
    assert "pip install 'queueproof[monitor]'" in told.stderr


def test_flower_listens_on_this_machine_only():
    command = cli.monitor_command(5556)
    assert command[:3] == [sys.executable, "-m", "celery"]
    assert {"--address=127.0.0.1", "--port=5556"} <= {*command}


@pytest.mark.parametrize("name", ["run", "worker", "monitor", "stop", "state"])
def test_help_fits_a_console_and_teaches(name):
    told = agent(name, "--help")
    assert told.exit_code == 0
    assert all(len(line) <= 90 for line in told.stdout.splitlines())


def test_the_command_line_is_light():
    heavy = {"celery", "fastapi", "rich", "sqlalchemy", "socketio", "numpy", "torch"}
    code = "import sys, reference_app.__main__; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert heavy & {*done.stdout.split()} == set()
