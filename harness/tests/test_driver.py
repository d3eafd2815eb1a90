"""The driver against a small web application of our own, over real sockets."""

import sys
from dataclasses import replace
from types import SimpleNamespace

import httpx
import pytest

from harness.answer import digest, shape
from harness.driver import Driver
from harness.engines import Command
from harness.engines.redis_server import free_port
from harness.errors import NeverHappened, NotApplicable, TargetError
from harness.history import History
from harness.replica import Replica
from harness.target import Api, Job, Socket, Target
from harness.wait import wait_until

TARGET = Target(
    app="none:app",
    api=Api(
        status="GET /jobs/{job}",
        cancel="DELETE /jobs/{job}",
        job_id="id",
        state="status",
    ),
    socket=Socket(
        subscribe="watch",
        unsubscribe="unwatch",
        room={"job": "{job}"},
        fields={"job": "id", "percent": "done"},
    ),
    states={"done": "completed", "gone": "cancelled"},
    events={"step": "progress", "end": "completed", "broken": "failed"},
    jobs={
        "one": Job(submit="POST /jobs", payload={"events": []}, wrong={"events": None}),
        "other": Job(
            submit="POST /jobs", payload={"events": []}, room={"job": "of-others/{job}"}
        ),
    },
)

RESULT = {"a": [1.5, "é"], "b": 1}


@pytest.fixture(scope="module")
def web(process_engine, tmp_path_factory):
    folder = tmp_path_factory.mktemp("web")
    port = free_port()
    script = str(__file__).replace("test_driver.py", "apps/web.py")
    command = Command(
        "api", (sys.executable, script, str(port)), {}, folder, folder / "log"
    )
    process = process_engine.start(command)
    url = f"http://127.0.0.1:{port}"

    def healthy():
        try:
            return httpx.get(f"{url}/health").is_success
        except httpx.TransportError:
            return False

    wait_until(
        healthy,
        within_s=20,
        what="the web application is up",
        on_timeout=lambda: process_engine.logs(process),
    )
    yield SimpleNamespace(url=url)
    process_engine.stop(process, within_s=0)


@pytest.fixture
def history():
    return History()


@pytest.fixture
def driver(web, history):
    driver = Driver(TARGET, web.url, history)
    yield driver
    driver.close()


def of(history, kind):
    return [dict(o.data) for o in history.of(source="driver", kind=kind)]


def test_a_submitted_job_is_written_down(driver, history):
    job = driver.submit("one")

    (seen,) = history.of(source="driver", kind="submitted")
    assert seen.job == job
    assert seen["job_kind"] == "one"
    assert (seen["code"], seen["accepted"]) == (202, True)
    assert seen["took_s"] > 0


def test_a_submit_is_repeated_with_its_key(history):
    asked, answers = [], iter([{"id": "a"}, {"id": "b"}])

    def request(method, url, **content):
        asked.append(content)
        return httpx.Response(202, json=next(answers))

    target = replace(TARGET, api=replace(TARGET.api, key="Key"))
    driver = Driver(target, "http://one", history)
    driver._http = SimpleNamespace(request=request, close=lambda: None)
    assert driver.submit_twice("one") == "a"
    assert asked[0] == asked[1]
    assert asked[0]["headers"]["Key"]
    (seen,) = history.of(source="driver", kind="repeated")
    assert (seen.job, seen["id"]) == ("a", "b")
    with pytest.raises(NotApplicable, match=r"describe api\.key"):
        Driver(TARGET, "http://one", history).submit_twice("one")


def test_a_refused_job_never_happened(driver, history):
    with pytest.raises(NeverHappened, match="one was refused with 422"):
        driver.submit("one", events=None)

    assert of(history, "refused")[0]["code"] == 422


def test_a_try_is_written_down_whatever_comes_of_it(driver, history):
    job = driver.try_submit("one")
    assert driver.try_submit("one", wrong="events") is None

    (taken,) = history.of(source="driver", kind="submitted")
    assert (taken.job, taken["api"], taken["wrong"]) == (job, "api", "")
    (refused,) = of(history, "refused")
    assert (refused["code"], refused["wrong"]) == (422, "events")
    assert refused["retry_after"] is None
    assert refused["took_s"] > 0


def test_a_try_that_nobody_answers_is_written_down(history):
    nobody = Driver(TARGET, "http://127.0.0.1:1", history, part="api-2")
    assert nobody.try_submit("one") is None
    nobody.close()

    (seen,) = of(history, "unanswered")
    assert seen["api"] == "api-2"
    assert seen["error"].startswith("ConnectError: ")


def test_a_raw_payload_is_sent_as_it_is(driver, history):
    answer = driver.submit_raw("one", {"nothing": 1})

    assert answer.status_code == 422
    assert of(history, "refused")[0]["code"] == 422


def test_events_come_in_order_in_our_words(driver, history):
    steps = [["step", {"done": n, "seq": n, "attempt": 1}] for n in range(200)]
    job = driver.submit("one", events=[*steps, ["broken", {"done": -1, "error": "no"}]])

    driver.subscribe(job, name="anna")
    last = history.until(job, event="failed", within_s=10)

    seen = of(history, "event")
    assert [event["seq"] for event in seen[:-1]] == list(range(200))
    assert seen[7] == {
        "subscriber": "anna",
        "event": "progress",
        "word": "step",
        "seq": 7,
        "attempt": 1,
        "percent": 7,
        "message": None,
        "reason": None,
        "error": None,
        "has_result": False,
        "result_digest": None,
        "fields": ["attempt", "done", "id", "seq"],
    }
    assert (last["percent"], last["error"]) == (None, "no")


def test_the_result_is_asked_for_in_the_same_breath_as_the_ending(driver, history):
    job = driver.submit("one", events=[["end", {"result": RESULT}], ["step", {}]])

    driver.subscribe(job, name="anna")
    history.until(job, event="progress", within_s=10)

    kinds = [o.kind for o in history.of(source="driver", job=job)][-3:]
    assert kinds == ["event", "status", "event"]
    (status,) = of(history, "status")
    assert status["on_event"] == "anna"
    assert status["state"] == "completed"
    assert status["has_result"] is True
    ending = of(history, "event")[0]
    assert ending["result_digest"] == status["result_digest"] == digest(RESULT)


def test_the_shape_of_a_result_is_its_names_and_types():
    rows = [{"a": 1, "b": None}, {"a": 2.5, "b": None}, {"a": True}]
    assert shape({"rows": rows, "text": "é"}) == {
        "rows": [{"a": "bool"}, {"a": "number", "b": None}],
        "text": "str",
    }
    assert shape([]) == []
    assert shape(None) is None


def test_an_unknown_word_is_kept_as_it_came(driver, history):
    job = driver.submit("one", events=[["surprise", {}]])

    driver.subscribe(job)
    seen = history.until(job, where=lambda o: o["word"] == "surprise", within_s=10)

    assert seen["event"] is None


def test_who_comes_after_the_end_is_late(driver, history):
    job = driver.submit("one", events=[["end", {}]])
    driver.subscribe(job)
    history.until(job, "driver.status", within_s=10)

    driver.subscribe(job)

    seen = of(history, "subscribed")
    assert [s["late"] for s in seen] == [False, True]
    assert [s["subscriber"] for s in seen] == ["page-1", "page-2"]


def test_who_leaves_says_so(driver, history):
    job = driver.submit("one")
    subscriber = driver.subscribe(job, name="anna")

    subscriber.unsubscribe()

    assert of(history, "unsubscribed") == [{"subscriber": "anna"}]


def test_who_comes_back_says_how_far_it_had_come(web, history):
    room = {"job": "{job}", "after": "{seq}"}
    target = replace(TARGET, socket=replace(TARGET.socket, room=room))
    driver = Driver(target, web.url, history)
    steps = [["step", {"seq": seq}] for seq in (1, 2, 3)]
    job = driver.submit("one", events=[*steps, ["broken", {}]])
    subscriber = driver.subscribe(job, name="anna")
    history.until(job, event="failed", within_s=10)

    subscriber.again()
    history.until(
        job, event="failed", where=lambda e: e["subscriber"] == "anna+", within_s=10
    )

    first, back = of(history, "subscribed")
    assert (first["resumes"], first["after"], first["at"]) == (None, 0, "api")
    assert (back["resumes"], back["after"], back["late"]) == ("anna", 3, True)
    assert of(history, "unsubscribed") == [{"subscriber": "anna", "dropped": True}]
    seen = [e["seq"] for e in of(history, "event") if e["subscriber"] == "anna+"]
    assert seen == [None]
    driver.close()


def test_a_kind_of_job_may_have_a_room_of_its_own(driver):
    rooms = [driver.subscribe(driver.submit(kind)) for kind in ("one", "other")]

    one, other = ([*page._room().values()] for page in rooms)
    assert (one, other) == ([rooms[0].job], [f"of-others/{rooms[1].job}"])


def test_a_target_without_a_word_for_it_is_not_told(driver, history):
    driver.subscribe(driver.submit("one")).again()

    assert [s["after"] for s in of(history, "subscribed")] == [None, None]


def test_a_connection_that_the_server_ends_is_written_down(driver, history):
    job = driver.submit("one", events=[["hang up", {}]])

    driver.subscribe(job, name="anna")
    history.until(job, "driver.unsubscribed", within_s=10)

    assert of(history, "unsubscribed") == [{"subscriber": "anna", "dropped": True}]


def test_a_page_may_watch_through_another_process(web, history):
    driver = Driver(TARGET, "http://127.0.0.1:1", history)

    driver.subscribe("job-1", at=Replica("api", "api-2", web.url))

    assert of(history, "subscribed")[0]["at"] == "api-2"
    driver.close()


def test_a_cancel_is_told_in_their_word(driver, history):
    job = driver.submit("one")

    assert driver.cancel(job) == "cancelling"

    (seen,) = of(history, "cancel")
    assert (seen["code"], seen["answer"]) == (200, "cancelling")
    assert driver.status(job)["state"] == "cancelled"


def test_the_result_is_given_as_it_is(driver):
    assert driver.result(driver.submit("one")) == RESULT


def test_a_state_that_does_not_come_never_happened(driver):
    job = driver.submit("one")

    assert driver.wait_for_state(job)["state"] == "completed"
    with pytest.raises(NeverHappened, match=r"is failed: not within 0\.1 s"):
        driver.wait_for_state(job, "failed", within_s=0.1)


def test_an_unknown_job_has_no_state(driver):
    assert driver.status("no-such-job")["state"] is None


def test_equal_results_have_equal_digests():
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
    assert digest(None) is None


def test_a_target_without_an_api_cannot_be_driven(history):
    with pytest.raises(TargetError, match=r"Add \[api\]"):
        Driver(Target("a:b"), "http://127.0.0.1:1", history)


def test_behind_a_load_balancer_each_request_goes_to_another_api(history):
    driver = Driver(
        TARGET, "http://one", history, others=[Replica("api", "api-2", "http://two")]
    )
    asked = []
    driver._http = SimpleNamespace(
        request=lambda method, url, **_: asked.append(url) or httpx.Response(200),
        close=lambda: None,
    )
    for _ in range(3):
        driver.status("a")
    driver.close()
    assert asked == [f"http://{at}/jobs/a" for at in ("one", "two", "one")]
