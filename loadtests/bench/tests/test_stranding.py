from loadtests.bench import stranding
from loadtests.grid.moments import Seen


def job(started_t, length_s, sent_t=100.0):
    return Seen(sent_t, started_t, started_t + length_s, "success")


def test_short_jobs_that_start_after_the_long_one_were_stranded():
    seen = [job(100.0, 8.0), job(100.1, 0.1), job(108.1, 0.1), job(108.2, 0.1)]
    last_s, stranded = stranding.told(seen)
    assert round(last_s, 3) == 8.3
    assert stranded == 2


def test_none_is_where_the_other_worker_runs_them_all():
    seen = [job(100.0, 8.0), *(job(100.1 + n / 10, 0.1) for n in range(8))]
    last_s, stranded = stranding.told(seen)
    assert round(last_s, 3) == 0.9
    assert stranded == 0
