"""Real beats: what is sent, by whom, and after what."""

import itertools
import json
import os
import signal
import statistics
import subprocess
import sys

import psutil
import pytest
import redis

from reference_app import embedded_redis, pidfile
from reference_app.settings import settings

#: Short, so that many slots pass; the lock is the shortest there can be.
SHORT = {
    "WORKSPACE_CLEANUP_INTERVAL": "0.5",
    "BEAT_LOOP_INTERVAL": "0.2",
    "BEAT_LOCK_TIMEOUT": "1",
    "RECONCILE_INTERVAL": "0.2",
}
QUEUE = "llmctl_studio"


@pytest.fixture
def broker(configured):
    configured(**SHORT)
    with redis.Redis.from_url(settings().celery_broker_url) as client:
        yield client


def moments(broker):
    """Return when each message was published, in order."""
    found = [json.loads(message)["headers"] for message in broker.lrange(QUEUE, 0, -1)]
    assert {headers["task"] for headers in found} <= {
        "services.tasks.cleanup_workspaces"
    }
    return sorted(headers["sent_at"] for headers in found)


def once_per_slot(sent):
    """Whether no two messages are nearer to each other than a period, nearly."""
    return all(b - a > 0.45 for a, b in itertools.pairwise(sent))


@pytest.mark.feature("S2-09")
@pytest.mark.parametrize("beats", [1, 2])
def test_one_message_per_interval_on_its_queue_whoever_runs(
    process, broker, until, beats
):
    for _ in range(beats):
        process("beat")
    until(lambda: len(moments(broker)) >= 11, "ten intervals")
    sent = moments(broker)[:11]
    assert once_per_slot(sent)
    # The median: a machine that stalls for a moment leaves a slot out.
    gaps = [b - a for a, b in itertools.pairwise(sent)]
    assert statistics.median(gaps) == pytest.approx(0.5, abs=0.1)


@pytest.mark.feature("S2-09")
def test_switched_off_it_sends_nothing_and_forgets_what_it_sent(
    process, broker, configured, until
):
    first = process("beat")
    until(lambda: moments(broker), "it sends")
    first.terminate()
    first.wait(10)
    configured(WORKSPACE_CLEANUP_ENABLED="false")
    broker.delete(QUEUE)
    process("beat")
    until(lambda: broker.get("beat:lock"), "the second leads")
    until(lambda: not broker.keys("beat:workspace*"), "the entry is gone")
    assert moments(broker) == []


def test_a_killed_leader_is_replaced_and_no_slot_is_sent_twice(process, broker, until):
    leader = process("beat")
    until(lambda: moments(broker), "the first sends")
    process("beat")
    leader.send_signal(signal.SIGKILL)
    leader.wait()
    before = len(moments(broker))
    until(lambda: len(moments(broker)) > before + 3, "the second sends", 15)
    assert once_per_slot(moments(broker))


def test_a_leader_that_was_frozen_stands_by_and_lives(process, broker, until):
    leader = process("beat")
    until(lambda: moments(broker), "the first sends")
    token = broker.get("beat:lock")
    second = process("beat")
    leader.send_signal(signal.SIGSTOP)
    until(lambda: broker.get("beat:lock") not in (None, token), "the second leads", 15)
    leader.send_signal(signal.SIGCONT)
    before = len(moments(broker))
    until(lambda: len(moments(broker)) > before + 4, "it goes on", 10)
    assert once_per_slot(moments(broker))
    assert leader.poll() is None
    # When the second leaves, the first leads again
    second.terminate()
    second.wait(10)
    before = len(moments(broker))
    until(lambda: len(moments(broker)) > before + 2, "the first sends again", 10)


@pytest.mark.parametrize("keeps_its_data", [True, False])
def test_beat_outlives_a_redis_that_is_away_at_its_start_and_later(
    process, configured, tmp_path, until, keeps_its_data
):
    port = embedded_redis.free_port()
    url = f"redis://127.0.0.1:{port}/0"
    configured(CELERY_BROKER_URL=url, EVENTS_URL=url, **SHORT)
    folders = [tmp_path / "redis-1", tmp_path / "redis-2"]
    for folder in folders:
        folder.mkdir()
    beat = process("beat")
    until(lambda: pidfile.living(tmp_path / "beat.pid") == [beat.pid], "it runs")
    with embedded_redis.running(folders[0], port=port), redis.Redis(port=port) as one:
        until(lambda: len(moments(one)) > 2, "it sends", 15)
    folder = folders[0] if keeps_its_data else folders[1]
    with embedded_redis.running(folder, port=port), redis.Redis(port=port) as again:
        before = len(moments(again))
        until(lambda: len(moments(again)) > before + 3, "it sends again", 20)
        assert once_per_slot(moments(again))
    assert beat.poll() is None


def test_beat_outlives_a_wrong_password_and_a_read_only_redis_and_says_which(
    process, configured, tmp_path, until
):
    (tmp_path / "redis").mkdir()
    with embedded_redis.running(tmp_path / "redis") as port:
        url = f"redis://127.0.0.1:{port}/0"
        configured(CELERY_BROKER_URL=url, EVENTS_URL=url, **SHORT)
        one = redis.Redis(port=port)

        def set_password(word):
            one.config_set("requirepass", word)
            one.client_kill_filter(skipme=True, _type="normal")
            one.connection_pool.connection_kwargs["password"] = word or None

        def said(words):
            return words in (tmp_path / "beat-0.log").read_text()

        set_password("secret")
        beat = process("beat")
        until(lambda: said("wants another password"), "it says so")
        set_password("")
        until(lambda: len(moments(one)) > 1, "it sends", 15)
        one.replicaof("127.0.0.1", 1)
        until(lambda: said("read-only"), "it says so")
        one.replicaof("NO", "ONE")
        before = len(moments(one))
        until(lambda: len(moments(one)) > before + 1, "it sends again", 15)
        assert beat.poll() is None
        assert once_per_slot(moments(one))
        one.close()


@pytest.mark.feature("S2-10")
def test_after_a_kill_beat_starts_over_a_stale_pid_file(
    process, broker, tmp_path, until
):
    first = process("beat")
    until(lambda: moments(broker), "it sends")
    first.kill()
    first.wait()
    assert (tmp_path / "beat.pid").exists()
    broker.delete(QUEUE)
    second = process("beat")
    until(lambda: len(moments(broker)) > 2, "it sends again", 15)
    # one catch-up at most, no burst
    assert once_per_slot(moments(broker))
    assert pidfile.living(tmp_path / "beat.pid") == [second.pid]
    second.terminate()
    assert second.wait(10) == 0
    assert not (tmp_path / "beat.pid").exists()


#: Root's interpreter may be out of others' reach: imports first, then becomes nobody.
AS_NOBODY = """
import os
from reference_app import beat
import encodings.idna, sqlite3, sqlalchemy.dialects.sqlite
import celery.fixups.django, kombu.transport.redis, redbeat.decoder
beat.app.loader.import_default_modules()
beat.app.backend, beat.app.amqp, beat.app.connection().transport
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
beat.main()
"""


@pytest.mark.feature("S2-10")
def test_beat_writes_only_into_its_folder_which_may_be_empty_and_not_of_root(
    configured, broker, tmp_path, until
):
    volume = tmp_path / "volume"
    volume.mkdir()
    if os.geteuid() == 0:
        os.chown(volume, 65534, 65534)
    for folder in (tmp_path, *tmp_path.parents):
        if not folder.stat().st_mode & 0o001:  # pytest's own, which are ours alone
            folder.chmod(folder.stat().st_mode | 0o011)
    configured(DATA_DIR=volume / "data", DATABASE_URL=f"sqlite:///{volume / 'jobs.db'}")
    with (tmp_path / "log").open("wb") as log:
        command = [sys.executable, "-c", AS_NOBODY]
        beat = subprocess.Popen(command, cwd=volume, stdout=log, stderr=log)
    try:
        until(lambda: moments(broker), "it sends")
        assert psutil.Process(beat.pid).uids().effective != 0
        assert pidfile.living(volume / "data" / "beat.pid") == [beat.pid]
        found = {path.relative_to(volume).as_posix() for path in volume.rglob("*")}
        ours = {name for name in found if "jobs.db" not in name}
        assert ours == {"data", "data/beat.pid"}
    finally:
        beat.kill()
        beat.wait()
