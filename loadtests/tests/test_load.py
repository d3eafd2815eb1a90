import pytest

from loadtests.load import Load, Refused, defaults, guard

HERE = "http://127.0.0.1:8000"


def load(host=HERE, **options):
    given = defaults()
    vars(given).update(options)
    return Load.of(given, host)


@pytest.mark.parametrize(
    "url", [HERE, "http://localhost", "http://[::1]:8000", "redis://:pw@127.9.9.9/0"]
)
def test_this_machine_may_be_loaded(url):
    guard(url, "")


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.1",
        "http://0.0.0.0:8000",
        "http://localhost.example.org",
        "http://127.0.0.1@192.0.2.1/",
        "redis://broker.internal:6379/0",
    ],
)
def test_another_machine_may_be_loaded_only_when_it_is_named(url):
    with pytest.raises(Refused, match="is not this machine"):
        guard(url, "some.other.host")
    host = url.rpartition("@")[2].removeprefix("http://").removeprefix("redis://")
    guard(url, f"some.other.host, {host.split(':')[0].rstrip('/')}")


@pytest.mark.parametrize("url", [None, "", "127.0.0.1:8000"])
def test_who_is_to_be_loaded_must_be_said(url):
    with pytest.raises(Refused, match="give --host"):
        guard(url, "")


def test_a_producer_is_judged_by_its_broker_and_names_a_queue():
    to_queue = {"through": "queue", "queue": "q"}
    with pytest.raises(Refused, match="is not this machine"):
        load(**to_queue, broker="redis://192.0.2.1")
    with pytest.raises(Refused, match="--queue"):
        load(through="queue", broker="redis://127.0.0.1")
    assert load(None, **to_queue, broker="redis://127.0.0.1").rate == 5


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"arrivals": "51/s"}, "above --most-rate"),
        ({"jobs": 10_001}, "--most-jobs is 10000"),
        ({"jobs": -1}, "-1 jobs"),
        ({"arrivals": "1/min"}, "would last 6000 s"),
        ({"arrivals": "closed", "length_s": 1e6}, "would last 1000000 s"),
        ({"payload": "{"}, "Expecting"),
        ({"fields": "id"}, "--fields 'id'"),
        ({"status": "GET http://192.0.2.1/{job}"}, "--status: give a method and a"),
        ({"job_class": "strange"}, "Job class 'strange'"),
    ],
)
def test_a_load_without_sense_or_end_is_refused(options, said):
    with pytest.raises(Refused, match=said):
        load(**options)


def test_only_soak_lasts_for_hours():
    hours = {"arrivals": "10/min", "jobs": 0, "length_s": 7200.0}
    with pytest.raises(Refused, match="steady may last 3600"):
        load(**hours)
    assert load(**hours, shape="soak").jobs == 1200


def test_jobs_and_seconds_follow_from_each_other():
    assert load(jobs=100, arrivals="5/s").length_s == 20
    assert load(jobs=0, length_s=20.0, arrivals="5/s").jobs == 100
    assert load(jobs=99, arrivals="10/s", shape="ramp").length_s == pytest.approx(18)


def test_each_sender_gets_its_share_of_the_plan():
    whole = load(jobs=11)
    one, other = whole.plan(0, 2), whole.plan(1, 2)
    assert [job.k for job in one] == [0, 2, 4, 6, 8, 10]
    assert [job.k for job in other] == [1, 3, 5, 7, 9]


def test_words_of_another_application_are_added_to_ours():
    words = load(words="SUCCESS=completed, FAILURE=failed").words
    assert (words["SUCCESS"], words["cancelled"]) == ("completed", "cancelled")
