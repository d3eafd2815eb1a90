import dataclasses

import pytest
from click.testing import CliRunner

from loadtests.grid import apps
from loadtests.grid.__main__ import main
from loadtests.grid.cell import LEAST_JOBS, MOST_JOBS, Cell, measure


def cell(name="stock", replicas=1, concurrency=2, service="fixed:0.1", **more):
    app = apps.known()[name]
    return Cell(app, "process", replicas, concurrency, service, **more)


def test_a_closed_run_has_work_for_all_its_slots_and_its_time():
    jobs = cell(replicas=2, seconds=10).jobs()
    assert len(jobs) == 400
    assert {job.after_s for job in jobs} == {0.0}
    assert len(cell(seconds=0.1).jobs()) == LEAST_JOBS
    assert len(cell(service="fixed:0", replicas=9, seconds=60).jobs()) == MOST_JOBS


def test_an_open_run_has_the_rate_that_was_asked_for():
    jobs = cell(arrivals=50.0, seconds=20, service="exp:0.1").jobs()
    assert len(jobs) == 1000
    assert jobs[-1].after_s == pytest.approx(20, rel=0.1)
    assert [job.after_s for job in jobs] == sorted(job.after_s for job in jobs)


def test_the_same_seed_and_repeat_have_the_same_jobs_and_others_others():
    drawn = [
        cell(service="exp:0.1", **which).jobs()
        for which in ({}, {}, {"repeat": 2}, {"seed": 2})
    ]
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2] != drawn[3]


def test_its_workers_are_started_as_it_says():
    asked = cell(concurrency=3, prefetch=4)
    target = asked.app.deployed(asked.options, {"ACKS_LATE": "1"})
    assert target.commands["worker"].endswith("--concurrency=3 --prefetch-multiplier=4")
    assert target.env["ACKS_LATE"] == "1"
    assert set(target.commands) == {"worker"}


def test_jobs_with_rows_need_the_api_too():
    target = apps.known()["jobs"].deployed("", {})
    assert set(target.commands) == {"api", "worker"}
    assert target.queues == ("llmctl_studio",)


def test_a_description_of_ones_own_is_measured_straight_through_a_queue(tmp_path):
    file = tmp_path / "queueproof.toml"
    file.write_text('app = "shop:app"\nqueues = ["a", "b"]\n')
    with pytest.raises(ValueError, match=r"names no worker.*\[commands\] worker"):
        apps.described(file, "")
    worker = '[commands]\nworker = "{python} -m celery -A {app} worker"\n'
    file.write_text(f'app = "shop:app"\n{worker}')
    with pytest.raises(ValueError, match="names no queue"):
        apps.described(file, "")
    file.write_text(f'app = "shop:app"\nqueues = ["a", "b"]\n{worker}')
    assert apps.described(file, "").queue == "a"
    assert apps.described(file, "b").through == "queue"


@pytest.mark.parametrize("option", [("--acks", "late"), ("--prefetch", "4")])
def test_what_an_application_would_not_heed_is_refused(option):
    result = CliRunner().invoke(main, ["--app", "stock,light", *option])
    assert result.exit_code == 2
    assert "light: prefetch and acknowledgement are declared" in result.output


@pytest.mark.real
@pytest.mark.parametrize("arrivals", [None, 15.0])
def test_a_cell_is_measured_by_what_its_workers_wrote_down(arrivals):
    asked = cell("light", service="fixed:0.05", seconds=1, arrivals=arrivals)
    found = measure(asked)
    told = dataclasses.asdict(found)
    assert told | dataclasses.asdict(asked.planned) == told
    assert found.jobs == len(asked.jobs())
    assert found.failures == {}
    # Two slots cannot do more, and a job cannot be shorter than what it waits.
    assert 0 < found.throughput <= 2 / 0.05
    assert found.service_s >= 0.05
    assert found.wait_s["p50"] <= found.wait_s["p95"] <= found.wait_s["p99"]
    assert found.cpu_s > found.broker_cpu_s > 0
    assert found.memory_mib > 10
    assert found.backlog[-1][1] <= 2
