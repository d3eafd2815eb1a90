from harness.occupied import Room, hold, room
from harness.records import Follower


def test_the_worker_tells_its_room_as_it_was_started(plain_stack):
    assert room(plain_stack.agent) == Room(slots=1, messages=1)


def test_a_slot_is_taken_until_the_task_is_released(plain_stack):
    agent, history = plain_stack.agent, plain_stack.history
    history.collect_from(Follower(plain_stack.layout.ledger, "ledger"))

    job = hold(agent, history, "plain")
    behind = agent.probe("sleep", queue="plain")

    assert not history.job(job).runs[0].ends
    agent.release(job)
    assert history.until(job, "ledger.end", within_s=15)["how"] == "success"
    began = history.until(behind, "ledger.start", within_s=15)
    assert began.t > history.job(job).runs[0].ends[0].t
    history.until(behind, "ledger.end", within_s=15)
