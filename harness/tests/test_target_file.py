from pathlib import Path

import pytest

from harness.errors import TargetError
from harness.target import Entry, Job, Target
from harness.target_file import find_target, load

MINIMAL = 'app = "shop.broker:app"\n'


def write(tmp_path, text):
    file = tmp_path / "target.toml"
    file.write_text(text)
    return file


def refusal(tmp_path, text):
    with pytest.raises(TargetError) as caught:
        load(write(tmp_path, text))
    return str(caught.value)


def test_an_app_alone_is_a_target(tmp_path):
    target = load(write(tmp_path, MINIMAL))

    assert target.app == "shop.broker:app"
    assert target.provides == {"app"}


def test_the_reference_app_is_described_completely():
    root = Path(__file__).parents[2]
    target = load(root / "scenarios" / "target.toml")

    everything = {"app", "api", "worker", "beat", "socket", "job", "journal"}
    everything |= {"fallback", "flag"}
    assert target.provides == everything
    assert target.limits["sweep"] == {"soft_s": 4, "hard_s": 6}


def test_hosts_are_names_addresses_and_networks(tmp_path):
    hosts = ["db.internal", "10.1.2.3", "10.1.0.0/16", "fd00::7", "fd00::/8"]
    target = load(write(tmp_path, f"{MINIMAL}allow_hosts = {hosts}"))

    assert target.allow_hosts == tuple(hosts)


def test_paths_count_from_the_file(tmp_path):
    target = load(write(tmp_path, MINIMAL + 'pythonpath = ["src"]'))

    assert target.pythonpath == (tmp_path.resolve() / "src",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "app is missing. Add it."),
        ('app = "shop"', "app = 'shop': write \"module:attribute\"."),
        (MINIMAL + 'quues = ["a"]', "did you mean 'queues'"),
        (MINIMAL + 'allow_hosts = ["db:5432"]', "'db:5432' is no host. Write a name"),
        (MINIMAL + 'allow_hosts = ["redis://db"]', "'redis://db' is no host"),
        (MINIMAL + 'longest_countdown_s = "1h"', "expected seconds."),
        (MINIMAL + "longest_countdown_s = -1", "expected seconds."),
        (MINIMAL + 'allow_hosts = "db"', "expected a list of texts"),
        (MINIMAL + '[commands]\nwroker = "x"', "did you mean 'worker'"),
        (MINIMAL + '[commands]\nworker = "{pyhton} -m x"', "did you mean 'python'"),
        (MINIMAL + "[env]\nA = true", "env.A = True: expected a text or a number."),
        (MINIMAL + '[env]\nPYTHONPATH = "x"', "use the key `pythonpath`"),
        (MINIMAL + '[api]\nhelth = "GET /x"', "did you mean 'health'"),
        (MINIMAL + '[api]\nhealth = "/x"', 'write "METHOD /path"'),
        (MINIMAL + "[api]\nhealth = 1", "api.health = 1: expected str."),
        (MINIMAL + '[words.states]\ndone = "complete"', "did you mean 'completed'"),
        (MINIMAL + '[job.a]\nsubmit = "POST /a"\nsoft = 3', "did you mean 'soft_s'"),
        (
            MINIMAL + '[job.a]\nsoft_s = "3"',
            "job.a.soft_s = '3': expected int or float",
        ),
        (MINIMAL + '[record]\nsqlite = "a.db"', "record.query is missing. Add it."),
        (MINIMAL + "[job.a]\ntask = 1", "job.a.task = 1: expected str."),
        (
            MINIMAL + '[job.a]\ntask = "a.b"\nargs = {}',
            "job.a.args = {}: expected list",
        ),
        (
            MINIMAL + "[job.a]\nargs = [1]",
            'of which task? Add job.a.task = "module.task"',
        ),
        (MINIMAL + '[job.a]\nretries = "3"', "job.a.retries = '3': expected int"),
        (MINIMAL + "[job.a]\nretries = 3", "say both, how often it is tried again"),
        (MINIMAL + "[job.a]\nkwargs.x = 1", "job.a.kwargs = {'x': 1}: of which task?"),
        (
            MINIMAL + '[job.a]\ntask = "a.b"\nsubmit = "POST /a"',
            "job.a.task = 'a.b': it is submitted by 'POST /a' already",
        ),
        (MINIMAL + "[flag.on]\nA = 1", "flag.off is missing. Add it."),
        (MINIMAL + "[flag.of]\nA = 1", "did you mean 'off'"),
        (MINIMAL + "[fallback.run_local]", "did you mean 'run_locally'"),
        (MINIMAL + "[fallback]\nrefuse = 1", "write a table [fallback.refuse]"),
        (MINIMAL + '[schedule.a]\nlittre = "x"', "did you mean 'litter'"),
        (
            MINIMAL + '[schedule.a]\nlitter = "/srv/shop"',
            "schedule.a.litter = '/srv/shop': write a folder below \"{data}/\"",
        ),
        (MINIMAL + '[schedule.a]\nfiles = "many"', "expected int"),
        ("app = ", "is not TOML"),
    ],
)
def test_a_wrong_description_is_refused_with_key_value_and_remedy(tmp_path, text, says):
    message = refusal(tmp_path, text)

    assert says in message
    assert str(tmp_path / "target.toml") in message


def test_no_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(TargetError, match=r"No target description at .*none\.toml"):
        load(tmp_path / "none.toml")


def test_a_job_without_an_api_is_a_task_and_its_arguments(tmp_path):
    text = MINIMAL + '[job.report]\ntask = "shop.report"\nargs = [1, "a"]\n'
    job = load(write(tmp_path, text + "kwargs.deep = true\nexpected_s = 4")).job(
        "report"
    )

    assert job == Job(
        task="shop.report", args=[1, "a"], kwargs={"deep": True}, expected_s=4
    )


def test_an_entry_of_the_schedule_cleans_up_a_folder_below_data(tmp_path):
    text = '[schedule.clean_up]\nlitter = "{data}/old"\nfiles = 3\n'
    found = load(write(tmp_path, MINIMAL + text)).schedule

    assert found == {"clean_up": Entry("{data}/old", 3)}


def test_a_link_is_of_a_part_that_is_started(tmp_path):
    worker = MINIMAL + 'links = ["worker"]\n[commands]\nworker = "w"'

    assert load(write(tmp_path, worker)).links == ("worker",)
    assert "no [commands] for 'beat'" in refusal(
        tmp_path, MINIMAL + 'links = ["beat"]\n[commands]\nworker = "w"'
    )


def test_what_is_done_without_a_broker_is_said_with_the_env_that_says_it(tmp_path):
    text = MINIMAL + '[api]\n[commands]\napi = "a"\n[fallback.refuse]\n'
    target = load(write(tmp_path, text + "[fallback.run_locally]\nSLOTS = 2"))

    assert target.fallback == {"refuse": {}, "run_locally": {"SLOTS": "2"}}
    assert "fallback" in target.provides


def test_what_jobs_hold_is_main_memory_or_that_of_a_card(tmp_path):
    assert load(write(tmp_path, MINIMAL)).device == "memory"
    assert load(write(tmp_path, MINIMAL + 'device = "nvml"')).device == "nvml"
    with pytest.raises(TargetError, match=r"device = 'nvm'.*did you mean 'nvml'"):
        load(write(tmp_path, MINIMAL + 'device = "nvm"'))


def test_a_job_may_be_repeatable_with_stages(tmp_path):
    text = MINIMAL + '[job.crawl]\nsubmit = "POST /crawl"\nstages = ["One", "Two"]\n'
    assert load(write(tmp_path, text)).repeatable == {}
    found = load(write(tmp_path, text + "repeatable = true"))
    assert found.repeatable == {"crawl": ["One", "Two"]}


def test_a_job_may_be_a_coroutine(tmp_path):
    text = MINIMAL + '[job.crawl]\nsubmit = "POST /crawl"\ncoroutine = '

    assert load(write(tmp_path, text + "true")).coroutines == ["crawl"]
    with pytest.raises(TargetError, match=r"job\.crawl\.coroutine = 1: expected bool"):
        load(write(tmp_path, text + "1"))


def test_a_target_reads_its_own_file(tmp_path):
    file = write(tmp_path, MINIMAL + 'queues = ["a"]')

    assert Target.load(file) == load(file)


def pyproject(folder, text):
    file = folder / "pyproject.toml"
    file.write_text(text)
    return file


def test_pyproject_describes_it_in_a_table_of_its_own(tmp_path):
    text = '[project]\nname = "shop"\n[tool.queueproof]\npythonpath = ["src"]\n'
    env = '[tool.queueproof.env]\nSHOP = "{broker}"\n'

    target = load(pyproject(tmp_path, text + MINIMAL + env))

    assert target.app == "shop.broker:app"
    assert target.pythonpath == (tmp_path.resolve() / "src",)
    assert target.env == {"SHOP": "{broker}"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[project]\nname = "shop"', "has no table [tool.queueproof]. Add it."),
        ("[tool]\nqueueproof = 1", "has no table [tool.queueproof]. Add it."),
        ("[tool.queueproof]\n" + MINIMAL + "quues = []", "did you mean 'queues'"),
    ],
)
def test_what_is_wrong_in_pyproject_is_told_with_its_name(tmp_path, text, says):
    with pytest.raises(TargetError) as caught:
        load(pyproject(tmp_path, text))

    assert says in str(caught.value)
    assert str(tmp_path / "pyproject.toml") in str(caught.value)


def test_the_first_place_that_has_a_description_is_found(tmp_path):
    assert find_target(tmp_path) is None
    (tmp_path / "scenarios").mkdir()
    beside = write(tmp_path / "scenarios", MINIMAL)
    assert find_target(tmp_path) == beside
    pyproject(tmp_path, '[project]\nname = "shop"')
    assert find_target(tmp_path) == beside
    table = pyproject(tmp_path, "[tool.queueproof]\n" + MINIMAL)
    assert find_target(tmp_path) == table
    own = tmp_path / "queueproof.toml"
    own.write_text(MINIMAL)
    assert find_target(tmp_path) == own


def test_a_pyproject_that_cannot_be_looked_into_is_an_error(tmp_path):
    pyproject(tmp_path, "[tool")

    with pytest.raises(TargetError, match=r"pyproject\.toml is not TOML"):
        find_target(tmp_path)


def test_a_flag_has_an_environment_for_each_position(tmp_path):
    api = '[api]\n[commands]\napi = "a"\n'
    target = load(write(tmp_path, MINIMAL + api + "[flag.on]\nA = 1\n[flag.off]"))

    assert target.flag == {"on": {"A": "1"}, "off": {}}
    assert "flag" in target.provides
