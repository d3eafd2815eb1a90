import pytest

from reference_app import context
from reference_app.agent import chat, talks
from reference_app.agent.errors import AgentError, KnowledgeBaseError
from reference_app.agent.kb import INDEX
from reference_app.agent.search import Index
from reference_app.jobs import Path, State
from reference_app.patterns.cancel import Cancelled

SAID = {"session_id": "s", "message": "When does the water rise?"}
SEARCHED = {"query": "moon water bread"}


@pytest.fixture
def kb(jobs, run, tmp_path):
    """A knowledge base of four notes, where the settings say that it is."""
    run(skip_git_sync=True)
    return tmp_path / "kb"


@pytest.fixture
def say(kb, jobs):
    """Return a function that runs a message as a job; it returns the row."""

    def do(message, session_id="s", **wanted):
        job_id = f"job-{len(jobs.recent())}"
        request = {"session_id": session_id, "message": message, **wanted}
        jobs.create(job_id, "chat.process_chat", request, path=Path.LOCAL)
        context.run(
            job_id, lambda ctx: talks.process_chat(request, ctx), path=Path.LOCAL
        )
        return jobs.get(job_id)

    return do


def test_a_search_gives_at_most_so_many_results_and_none_below_the_threshold(
    kb, new_context
):
    def search(**wanted):
        found = talks.search_knowledge_base(SEARCHED | wanted, new_context())
        assert found["query"] == SEARCHED["query"]
        assert found["count"] == len(found["results"])
        return [each["score"] for each in found["results"]]

    everything = search(max_results=20, similarity_threshold=-1.0)
    assert len(everything) == 4
    assert search(max_results=2, similarity_threshold=-1.0) == everything[:2]
    # A score that was shown is the score.
    for count, bound in enumerate(everything, 1):
        found = search(max_results=20, similarity_threshold=bound)
        assert found == everything[: len(found)]
        assert len(found) >= count
        assert min(found) >= bound
    assert search(similarity_threshold=1.0) == []


def test_a_result_names_a_page_that_is_there(kb, new_context):
    found = talks.search_knowledge_base({"query": "ebb"}, new_context())
    assert found["results"][0]["slug"] == "ebb"
    assert (kb / found["results"][0]["path"]).is_file()


def test_the_context_is_made_of_sentences_of_what_was_found(kb, new_context):
    query = {"query": "When does the water rise?"}
    found = talks.search_knowledge_base(query, new_context())["results"]
    made = talks.generate_chat_context(query | {"search_results": found}, new_context())
    assert made["query"] == query["query"]
    assert made["sources"][0]["slug"] == "flood"
    assert made["sources"][0]["sentences"] == [
        "The moon pulls the sea, and the water rises at flood."
    ]


def test_of_a_result_only_the_slug_counts(kb, new_context):
    asked = {"query": "What does the moon pull?"}
    named = [{"slug": "ebb"}, {"slug": "flood"}, {"slug": "ebb"}]
    lies = [
        each | {"title": "A lie", "path": "/etc/passwd", "score": 0.1} for each in named
    ]
    made, again = (
        talks.generate_chat_context(asked | {"search_results": each}, new_context())
        for each in (named, lies)
    )
    assert made == again
    assert {each["slug"] for each in made["sources"]} == {"ebb", "flood"}


@pytest.mark.parametrize(
    ("query", "results"), [("water", []), ("zebra xylophone", [{"slug": "ebb"}])]
)
def test_where_there_is_nothing_to_quote_there_are_no_sources(
    kb, new_context, query, results
):
    request = {"query": query, "search_results": results}
    assert talks.generate_chat_context(request, new_context())["sources"] == []


def test_an_item_that_is_not_in_the_index_is_named(kb, new_context):
    request = {"query": "water", "search_results": [{"slug": "ebb"}, {"slug": "gone"}]}
    with pytest.raises(AgentError, match=r"\['gone'\]. Search again"):
        talks.generate_chat_context(request, new_context())


def test_an_answer_quotes_what_it_names_and_says_what_was_searched(kb, new_context):
    ctx = new_context()
    answer = talks.process_chat(SAID, ctx)
    assert answer["text"].startswith("The moon pulls the sea, and the water rises")
    assert answer["sources"][0]["slug"] == "flood"
    assert answer["session_id"] == "s"
    assert answer["question"] == answer["query"] == SAID["message"]
    assert (answer["found"], answer["generated"]) == (True, False)
    assert [(data["phase"], data["status"]) for _, _, data in ctx.reports] == [
        ("search", "running"),
        ("context", "running"),
        ("answer", "running"),
    ]
    percents = [percent for percent, _, _ in ctx.reports]
    assert percents == sorted(percents)


def test_an_answer_keeps_to_the_limits_of_its_request(kb, new_context):
    asked = SAID | {"message": "moon water bread", "similarity_threshold": -1.0}
    one = talks.process_chat(asked | {"max_results": 1}, new_context())
    more = talks.process_chat(asked | {"max_results": 5}, new_context())
    assert (len(one["sources"]), len(more["sources"]) > 1) == (1, True)
    none = talks.process_chat(asked | {"similarity_threshold": 1.0}, new_context())
    assert (none["text"], none["sources"]) == (chat.NOTHING, [])


def test_the_same_question_gets_the_same_answer(kb, new_context):
    assert talks.process_chat(SAID, new_context()) == talks.process_chat(
        SAID, new_context("job-2")
    )


def test_it_can_be_cancelled_before_each_phase(kb, new_context):
    for number, phases in enumerate([[], ["search"], ["search", "context"]], 1):

        def stop(check, at=number):
            if check == at:
                raise Cancelled

        ctx = new_context(on_check=stop)
        with pytest.raises(Cancelled):
            talks.process_chat(SAID, ctx)
        assert [data["phase"] for _, _, data in ctx.reports] == phases


def test_a_follow_up_is_searched_with_the_question_before_it(say):
    first = say("What is the ebb?").result
    assert first["sources"][0]["slug"] == "ebb"
    # On its own it would be one about the flood.
    second = say("Why does it rise?").result
    assert second["question"] == "Why does it rise?"
    assert second["query"] == "What is the ebb? Why does it rise?"
    assert second["sources"][0]["slug"] == "ebb"
    # One after it is about the same.
    third = say("And why?").result
    assert third["query"] == "What is the ebb? And why?"
    assert third["sources"][0]["slug"] == "ebb"


def test_a_question_of_its_own_is_searched_alone(say):
    say("What is the ebb?")
    assert say("What makes rye bread dense?").result["query"] == (
        "What makes rye bread dense?"
    )
    # Also one to which there is no answer: that of the last one would be none.
    answer = say("Who wrote the symphony?").result
    assert (answer["query"], answer["found"]) == ("Who wrote the symphony?", False)


def test_a_follow_up_of_nothing_is_searched_alone(say):
    assert say("Why does it rise?").result["sources"][0]["slug"] == "flood"
    say("What is the ebb?", session_id="other")
    assert say("Why does it rise?").result["query"].count("ebb") == 0


def test_a_context_takes_the_place_of_the_question_before(say):
    say("What is the ebb?")
    answer = say("How is it made?", context="Bread with a crust.").result
    assert answer["query"] == "Bread with a crust. How is it made?"
    assert answer["sources"][0]["slug"] == "crust"
    assert say("And why?").result["query"] == f"{answer['query']} And why?"


@pytest.mark.parametrize("damage", ["missing", "torn"])
def test_without_an_index_the_job_fails_and_says_what_to_do(
    kb, say, jobs, new_context, damage
):
    if damage == "missing":
        (kb / INDEX).unlink()
    else:
        (kb / INDEX).write_bytes(b"PK")
    for function, request in (
        (talks.process_chat, SAID),
        (talks.search_knowledge_base, SEARCHED),
        (talks.generate_chat_context, SEARCHED | {"search_results": []}),
    ):
        with pytest.raises(KnowledgeBaseError, match="Run the agent"):
            function(request, new_context())
    with pytest.raises(KnowledgeBaseError):
        say("What is the ebb?")
    (job,) = jobs.recent()
    assert job.state is State.FAILED
    assert "Run the agent" in job.error


def test_an_item_whose_note_has_gone_says_nothing(kb, new_context):
    def quoted():
        asked = SAID | {"message": "What does the moon pull?"}
        sources = talks.process_chat(asked, new_context())["sources"]
        return {each["slug"] for each in sources}

    assert quoted() == {"ebb", "flood"}
    (kb / ".agent" / "records" / "items" / "flood.json").unlink()
    assert quoted() == {"ebb"}


def test_what_stands_before_a_message_is_cut_and_the_message_is_not(kb):
    message = "water " * 300
    both = chat.joined("bread " * 300, message)
    assert both.startswith("bread")
    assert both.endswith(message.strip())
    assert chat.joined("bread", "x" * 2000) == "x" * 2000
    assert Index.build([], []).search(both) == []  # it can be searched
