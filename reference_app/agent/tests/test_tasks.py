import pytest

from reference_app import job_task, worker
from reference_app.broker import app, queue_of, queue_table
from reference_app.settings import Settings

TASKS = {
    "agent": ["fetch_bookmarks", "git_sync", "run_agent"],
    "processing": [
        "generate_embeddings",
        "generate_readme",
        "generate_synthesis",
        "process_tweets",
    ],
    "chat": [
        "generate_chat_context",
        "process_chat",
        "search_knowledge_base",
        "update_embeddings_index",
    ],
}


@pytest.mark.feature("S4-01")
@pytest.mark.parametrize("queue", TASKS)
def test_the_tasks_of_each_queue_are_found_and_routed_by_their_names(queue):
    functions = job_task.functions(app)
    found = sorted(name for name in functions if name.startswith(f"{queue}."))
    assert found == [f"{queue}.{name}" for name in TASKS[queue]]
    for name in found:
        assert queue_of(name) == queue
        assert app.amqp.router.route({}, name)["queue"].name == queue
        assert callable(job_task.load(functions[name]))


@pytest.mark.feature("S4-01")
def test_a_worker_is_given_the_queues_by_name():
    line = worker.arguments(Settings(), queues="agent,processing,chat")
    assert "--queues=agent,processing,chat" in line
    assert "--concurrency=1" in line
    rows = worker.rows_of("agent,chat", queue_table(Settings()))
    assert [row.name for row in rows] == ["agent", "chat"]


@pytest.mark.feature("S4-17")
def test_a_run_may_take_two_hours_and_no_message_is_held_that_long():
    settings = Settings()
    assert settings.agent_hard_time_limit == 7200
    assert settings.agent_soft_time_limit < settings.agent_hard_time_limit
    rows = {row.name: row for row in queue_table(settings)}
    # Acknowledged when it starts: the visibility timeout is of those that wait.
    assert rows["agent"].unacked_s == 0
    assert app.conf.task_acks_late is False
    assert app.conf.worker_prefetch_multiplier == 1
