import pytest

from reference_app import events, words


def event(kind="progress", percent=41.9, **data):
    found = events.envelope("a", 2, kind, "Generating", data)
    return {**found, "seq": 5, "percent": percent}


def told(domain, of):
    name, data = words.of(domain, of)
    assert data.pop("timestamp").endswith("Z")
    return name, data


COMMON = {"task_id": "a", "message": "Generating", "seq": 5, "attempt": 2}


def test_an_event_of_steering_is_put_into_the_words_of_the_plan():
    assert told("steering", event(current_feature=7)) == (
        "steering:progress",
        {**COMMON, "percent": 41, "current_feature": 7, "current_strength": None},
    )


def test_an_event_of_the_agent_tells_its_phase():
    name, data = told("agent", event(phase="content", status="running", current=3))
    assert name == "agent:progress"
    assert (data["phase"], data["status"], data["current"]) == ("content", "running", 3)
    assert "current_feature" not in data


def test_in_the_room_of_old_a_phase_is_a_phase_update():
    data = {"phase": "content", "step": "llm", "status": "running"}
    assert told("task", event(**data, current=3, total=9)) == (
        "phase_update",
        {**COMMON, "percent": 41, "phase_id": "content", "step": "llm"}
        | {"status": "running", "current": 3, "total": 9},
    )


@pytest.mark.parametrize("data", [{"phase": "content", "level": "WARNING"}, {}])
def test_in_the_room_of_old_what_is_no_phase_is_a_line_of_the_log(data):
    name, line = told("task", event(**data))
    assert name == "log"
    assert line == {**COMMON, "percent": 41, "level": data.get("level", "INFO")}


def test_in_the_room_of_old_an_ending_is_the_agents_status():
    name, data = told("task", event("failed", -1, error="no", reason="error"))
    assert name == "agent_status_update"
    assert (data["status"], data["is_running"]) == ("failed", False)
    assert (data["error"], data["reason"]) == ("no", "error")


@pytest.mark.parametrize(
    ("domain", "kind", "spoken"),
    [
        ("steering", "steering.compare", True),
        ("steering", "agent.run_agent", False),
        ("agent", "agent.run_agent", True),
        ("task", "chat.process_chat", True),
        ("task", "steering.compare", False),
        ("", "steering.compare", False),
    ],
)
def test_a_room_is_of_the_jobs_of_its_domain(domain, kind, spoken):
    assert words.spoken_of(domain, kind) is spoken
