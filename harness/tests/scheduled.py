"""Stories of an entry of beat's schedule, `sweep`, and of its runs."""

from harness.tests.story import Story


def scheduled(every_s: float | None = 1.0, **entries) -> Story:
    """The agent knows of an entry `sweep`, and of any others that are named."""
    entries["sweep"] = {"task": "shop.sweep", "every_s": every_s}
    return Story().say("agent.schedule", 0.0, entries=entries)


def ran(
    story: Story,
    t: float,
    task: str = "shop.sweep",
    how: str = "success",
    took_s: float = 0.01,
    pid: int = 10,
) -> Story:
    job = f"{task}-{len(story.history.observations)}"
    story.say("ledger.start", t, job, task=task, pid=pid, role="child")
    return story.say("ledger.end", t + took_s, job, pid=pid, role="child", how=how)


def regular(story: Story, since_t: float, until_t: float, every_s: float) -> Story:
    """A run each period, from then on."""
    t = since_t
    while t <= until_t:
        ran(story, t)
        t += every_s
    return story
