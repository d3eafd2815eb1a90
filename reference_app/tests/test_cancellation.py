from reference_app import cancellation, endings
from reference_app.jobs import State


def test_what_becomes_of_the_wish_depends_on_where_the_job_is(jobs):
    jobs.create("waits", "steering.compare", {})
    jobs.create("runs", "steering.compare", {})
    jobs.start("runs")
    jobs.create("over", "steering.compare", {})
    jobs.start("over")
    endings.finish("over", State.COMPLETED, result={})
    words = [cancellation.ask(name) for name in ("waits", "runs", "over", "waits")]
    assert words == ["cancelled", "cancelling", "already_complete", "already_cancelled"]
    assert set(words) == set(cancellation.MESSAGES)
    assert jobs.get("waits").announced
    assert jobs.get("runs").cancel_requested_at is not None


def test_an_unknown_job_cannot_be_cancelled(jobs):
    assert cancellation.ask("nobody") is None
