"""A long history for the page: 10,000 observations of a busy, hurt application."""

from harness.tests.story import Story

#: Jobs in it, each with two subscribers, a process of its own, and progress.
JOBS = 125

#: Progress events that each subscriber of a job gets.
EVENTS = 35

#: Every so many jobs, one whose process is killed.
HURT_EVERY = 25


def long_story(count: int = 10_000, name: str = "test_long.py::test_long") -> Story:
    """Return a history of exactly `count` observations; one job has two endings."""
    story = Story(
        test=name,
        contracts=["terminal.exactly-one", "progress.never-goes-back"],
        engine="process",
        started_at="2026-01-01T00:00:00.000000+00:00",
    )
    for role, pid in (("redis", 11), ("api", 12), ("worker", 13), ("beat", 14)):
        story.say("stack.started", 0.01, role=role, pid=pid, pid_start=1, kept=True)
    for number in range(JOBS):
        _job(story, number)
    for beat in range(count - len(story.history.observations)):
        story.watched(0.5 + beat * 0.02)
    return story


def _job(story: Story, number: int) -> None:
    job, begin, pid = f"{number:08x}-0000-4000-8000-00000000long", number * 0.5, 100
    pid += number
    story.submitted(job, begin)
    for name in ("anna", "ben"):
        story.subscribed(job, begin + 0.01, by=name)
    worker = {"pid": pid, "pid_start": pid, "role": "child", "task": "steps"}
    story.say("ledger.start", begin + 0.3, job, **worker)
    hurt = number % HURT_EVERY == HURT_EVERY - 1
    for step in range(EVENTS):
        t = begin + 0.35 + step * 0.05
        for by in ("anna", "ben"):
            percent = step * 100 / EVENTS
            story.event(job, "progress", t, seq=step + 1, percent=percent, by=by)
    end = begin + 0.4 + EVENTS * 0.05
    if hurt:
        victim = {"role": "child", "pid": pid, "pid_start": pid}
        fault = {"fault": "kill_child", "victim": victim, "bit": True, "proof": "gone"}
        story.say("fault.injected", end, job, **fault)
    else:
        story.say("ledger.end", end, job, **worker, how="success")
    told, seq = ("failed" if hurt else "completed"), EVENTS + 1
    for by in ("anna", "ben"):
        story.event(job, told, end + 0.02, seq=seq, by=by)
        if number == JOBS // 2:
            story.event(job, told, end + 0.2, seq=seq + 1, by=by)
    story.say("probe.gone", end + 0.05, job, **worker)
