"""Processes and where they run: what the rows say of images and of PID 1."""

from dataclasses import replace

import pytest
import redis

from harness import Faults as Damage
from harness import Stack, open_engine, wait_until

#: Neither root nor anybody known in the image.
NOBODY = 10_001


@pytest.fixture
def beat_alone(target, pytestconfig, history, tmp_path):
    """Start Redis and beat only, beat as a user who is not root where it can be."""
    engine_name = pytestconfig.getoption("--engine")
    alone = replace(
        target,
        commands={"beat": target.commands["beat"]},
        api=None,
        socket=None,
        env={**target.env, "WORKSPACE_CLEANUP_INTERVAL": "0.5"},
        container=replace(target.container, user=f"{NOBODY}:{NOBODY}"),
    )
    engine = open_engine(engine_name, alone)
    stack = Stack(alone, engine, tmp_path, history=history)
    try:
        yield stack.start()
    finally:
        stack.stop()
        engine.close()


@pytest.mark.feature("S2-10")
def test_beat_in_an_empty_volume_starts_over_after_a_kill(
    beat_alone, history, pytestconfig
):
    """In a container beat is PID 1 or its child each time: its stale file names it."""
    pidfile = beat_alone.layout.data / "beat.pid"
    with redis.Redis.from_url(beat_alone.urls.broker) as broker:

        def sends(more):
            before = broker.llen("llmctl_studio")
            wait_until(
                lambda: broker.llen("llmctl_studio") >= before + more,
                within_s=30,
                what="beat sends",
            )

        sends(2)
        stale = pidfile.read_text()
        if pytestconfig.getoption("--engine") == "container":
            assert pidfile.stat().st_uid == NOBODY
        Damage(beat_alone, history).kill_main("beat")
        wait_until(
            lambda: len(history.of(source="stack", kind="restarted")) == 1,
            within_s=30,
            what="beat is started again",
        )
        sends(3)
        assert pidfile.read_text() != stale
    written = {path.name for path in beat_alone.layout.data.iterdir()}
    assert {name for name in written if not name.startswith("jobs.db")} == {"beat.pid"}
    assert list(beat_alone.layout.work.iterdir()) == []
