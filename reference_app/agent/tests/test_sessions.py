import pytest
from sqlalchemy import event

from reference_app.agent import sessions
from reference_app.jobs import Path, State

KIND = "chat.process_chat"


@pytest.fixture
def say(jobs):
    """Return a function that submits a message as the job of that name."""

    def do(job_id, message="Hello?", session_id="s", kind=KIND, key=None):
        request = {"session_id": session_id, "message": message}
        return jobs.create(job_id, kind, request, path=Path.LOCAL, key=key)

    return do


@pytest.fixture
def end(jobs):
    """Return a function that runs a job to an ending."""

    def do(job_id, state=State.COMPLETED, **values):
        jobs.start(job_id, path=Path.LOCAL)
        jobs.finish(job_id, state, **values)

    return do


def ids(session_id="s", **options):
    return [turn.task_id for turn in sessions.turns(session_id, **options)]


def test_a_session_is_its_messages_oldest_first_whatever_ended_first(say, end):
    for name in ("one", "two", "three"):
        say(name, f"{name}?")
    end("two", result={"text": "Two.", "sources": [{"slug": "x"}]})
    end("one", State.FAILED, error="AgentError: no index", reason="error")
    one, two, three = sessions.turns("s")
    assert (one.message, one.state, one.answer) == ("one?", State.FAILED, None)
    assert one.error == "AgentError: no index"
    assert (two.answer, two.sources) == ("Two.", [{"slug": "x"}])
    assert (three.state, three.answer, three.sources) == (State.PENDING, None, [])
    assert one.created_at <= two.created_at <= three.created_at


def test_other_sessions_and_other_jobs_are_not_in_it(say):
    say("mine")
    say("theirs", session_id="s2")
    say("another_kind", kind="chat.search_knowledge_base")
    assert (ids(), ids("s2"), ids("nobody")) == (["mine"], ["theirs"], [])


def test_a_job_that_is_delivered_twice_is_one_turn(jobs, say, end):
    say("one")
    assert jobs.start("one", 1, Path.LOCAL)
    assert jobs.start("one", 1, Path.LOCAL) is None  # a copy of the message
    jobs.try_again("one", 1, free=True)
    assert jobs.start("one", 2, Path.LOCAL)
    jobs.finish("one", State.COMPLETED, attempt=2, result={"text": "Yes."})
    jobs.finish("one", State.COMPLETED, attempt=1, result={"text": "Late."})
    assert [turn.answer for turn in sessions.turns("s")] == ["Yes."]


def test_a_submit_that_is_repeated_with_its_key_is_one_turn(say):
    assert say("one", key="k") == say("two", key="k") == "one"
    assert ids() == ["one"]


def test_of_a_long_session_the_latest_turns_are_shown(say):
    names = [f"{number:03}" for number in range(sessions.TURNS + 5)]
    for name in names:
        say(name)
    assert ids() == names[5:]
    assert ids(count=2) == names[-2:]


def test_an_answer_that_has_expired_leaves_its_message(jobs, say, end):
    say("one", "What is it?")
    end("one", result={"text": "This.", "sources": [], "subject": "It."})
    assert jobs.forget_results(-1) == 1
    (turn,) = sessions.turns("s")
    assert (turn.message, turn.answer, turn.sources) == ("What is it?", None, [])
    say("two")
    assert sessions.subject_before("s", "two") == "What is it?"


def test_the_subject_is_that_of_the_latest_completed_message(say, end):
    for name in ("one", "two", "three", "four"):
        say(name, f"{name}?")
    end("one", result={"subject": "tides"})
    end("two", result={"subject": "bread"})
    end("three", State.FAILED, error="no", reason="error")
    assert sessions.subject_before("s", "four") == "bread"
    assert sessions.subject_before("s", "two") == "tides"
    assert sessions.subject_before("s", "one") is None
    assert sessions.subject_before("s2", "four") is None


def test_a_session_is_found_by_an_index(jobs, say):
    say("one")
    asked = []

    def remember(connection, cursor, statement, values, context, many):
        asked.append((statement, values))

    event.listen(jobs.engine, "before_cursor_execute", remember)
    sessions.turns("s")
    event.remove(jobs.engine, "before_cursor_execute", remember)
    ((statement, values),) = asked
    with jobs.engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        assert "jobs_by_kind" in str(plan.all())
