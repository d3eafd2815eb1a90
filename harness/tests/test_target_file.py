from pathlib import Path

import pytest

from harness.errors import TargetError
from harness.target import Job
from harness.target_file import load

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
        (MINIMAL + "[job.a]\ntask = 1", "job.a.task = 1: expected str."),
        (
            MINIMAL + '[job.a]\ntask = "a.b"\nargs = {}',
            "job.a.args = {}: expected list",
        ),
        (
            MINIMAL + "[job.a]\nargs = [1]",
            'of which task? Add job.a.task = "module.task"',
        ),
        (MINIMAL + "[job.a]\nkwargs.x = 1", "job.a.kwargs = {'x': 1}: of which task?"),
        (
            MINIMAL + '[job.a]\ntask = "a.b"\nsubmit = "POST /a"',
            "job.a.task = 'a.b': it is submitted by 'POST /a' already",
        ),
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


def test_a_link_is_of_a_part_that_is_started(tmp_path):
    worker = MINIMAL + 'links = ["worker"]\n[commands]\nworker = "w"'

    assert load(write(tmp_path, worker)).links == ("worker",)
    assert "no [commands] for 'beat'" in refusal(
        tmp_path, MINIMAL + 'links = ["beat"]\n[commands]\nworker = "w"'
    )
