"""Every fault once: what it does to the small application, and what else shows it."""

import time

import httpx
import redis

from loadtests.faults.bench import QUEUE, Bench, Cell, NotFelt

#: Name -> cell, in the order of the table.
CELLS: dict[str, Cell] = {}


def cell(run: Cell) -> Cell:
    """Put a cell into the matrix under its own name."""
    CELLS[run.__name__] = run
    return run


# Processes


@cell
def kill_child(bench: Bench) -> str:
    job = bench.running("sleep", seconds=30)
    bench.faults.kill_child(job)
    bench.see(lambda: "lost" in bench.ends(job), "the job is reported lost")
    return "the worker reports the job lost"


@cell
def kill_main(bench: Bench) -> str:
    with bench.no_dead_consumer():
        bench.faults.kill_main("worker")
    return _ended_with(bench, "worker", -9)


@cell
def terminate(bench: Bench) -> str:
    bench.faults.terminate("worker")
    return _ended_with(bench, "worker", 0)


@cell
def quit(bench: Bench) -> str:
    # Not while it reads a result: see Faults.quit. Beat would send it jobs meanwhile.
    with bench.faults.pause("beat"):
        bench.idle()
        bench.faults.quit("worker")
        return _ended_with(bench, "worker", 0)


@cell
def pause_child(bench: Bench) -> str:
    job = bench.running("sleep", seconds=0.5)
    with bench.faults.pause_child(job):
        bench.never(lambda: bench.ends(job), "the frozen job ends")
    return "a job of 0.5 s is not done after 1 s"


@cell
def pause_worker(bench: Bench) -> str:
    with bench.faults.pause("worker"):
        job = bench.send("sleep")
        bench.never(lambda: bench.starts(job), "a frozen worker starts a job")
    return "a job sent meanwhile is not started"


@cell
def pause_beat(bench: Bench) -> str:
    with bench.faults.pause("beat"):
        bench.work_off()
        before = bench.ticks()
        bench.never(lambda: bench.ticks() > before, "a frozen beat sends")
    bench.see(lambda: bench.ticks() > before, "beat sends again")
    return "nothing scheduled is sent, and again afterwards"


@cell
def oom_child(bench: Bench) -> str:
    job = bench.running("sleep", seconds=20, ticks=200)
    bench.faults.oom_child(job)
    bench.see(lambda: "lost" in bench.ends(job), "the job is reported lost")
    return "the worker reports the job lost"


@cell
def oom_main(bench: Bench) -> str:
    for _ in range(30):  # what it is sent it must keep somewhere
        bench.agent.send("small.add", (1, 2), queue=QUEUE)
    with bench.no_dead_consumer():
        bench.faults.oom_main("worker")
    return _ended_with(bench, "worker", -9)


@cell
def memory_limit(bench: Bench) -> str:
    with bench.faults.memory_limit("worker", headroom_mib=128):
        small = bench.send("hold_memory", mib=8, seconds=0)
        large = bench.send("hold_memory", mib=512, seconds=0)
        bench.see(lambda: "success" in bench.ends(small), "8 MiB are there")
        bench.see(lambda: "lost" in bench.ends(large), "512 MiB are too much")
    return "a job of 8 MiB is done, one of 512 MiB lost"


@cell
def cpu_quota(bench: Bench) -> str:
    bench.running("spin", seconds=6)
    with bench.faults.cpu_quota("worker", share=0.1):
        return ""


# Parts


@cell
def replica_worker(bench: Bench) -> str:
    with bench.faults.replica("worker"):
        bench.see(lambda: len(bench.agent.workers()) == 2, "two workers answer")
    return "two workers answer a ping"


@cell
def replica_beat(bench: Bench) -> str:
    with bench.faults.replica("beat"), bench.faults.pause("beat"):
        bench.work_off()
        before = bench.ticks()
        bench.see(lambda: bench.ticks() > before, "the second beat sends")
    return "it sends while the first is frozen"


@cell
def replica_api(bench: Bench) -> str:
    with bench.faults.replica("api") as second:
        if second is None or not httpx.get(f"{second.api}/health").is_success:
            raise NotFelt("the second API does not answer")
    return "it answers at an address of its own"


@cell
def api_restart(bench: Bench) -> str:
    bench.faults.api_restart()
    return _ended_with(bench, "api", -9)


@cell
def disconnect(bench: Bench) -> str:
    user = bench.driver()
    try:
        job = user.submit("one")
        page = user.subscribe(job)
        bench.history.until(job, event="progress", within_s=10)
        with bench.faults.disconnect(page):
            pass
        bench.history.until(
            job,
            where=lambda o: o.get("subscriber") == f"{page.name}+",
            within_s=10,
        )
    finally:
        user.close()
    return "the page is told again on its new connection"


# Redis


@cell
def pause_writes(bench: Bench) -> str:
    with bench.faults.pause_writes():
        return _refused(bench, redis.TimeoutError)


@cell
def redis_stop(bench: Bench) -> str:
    with bench.faults.redis_stop():
        return _refused(bench, redis.ConnectionError)


@cell
def redis_restart(bench: Bench) -> str:
    before = _run_id(bench)
    bench.faults.redis_restart()
    bench.see(lambda: _run_id(bench) != before, "another server answers")
    return "the server has another run id"


@cell
def redis_restarts(bench: Bench) -> str:
    before = _run_id(bench)
    bench.faults.redis_restarts(times=3)
    bench.see(lambda: _run_id(bench) != before, "another server answers")
    return "the server has another run id"


@cell
def redis_flush(bench: Bench) -> str:
    bench.redis.set("bench:remembered", "1")
    bench.faults.redis_flush()
    if bench.redis.exists("bench:remembered"):
        raise NotFelt("Redis remembers a key")
    return "a key of ours is forgotten"


@cell
def key_taken(bench: Bench) -> str:
    with bench.faults.key_taken("bench:probe"):
        try:
            bench.redis.lpush("bench:probe", "1")
        except redis.ResponseError as refused:
            return f"a message ends with {type(refused).__name__}"
    raise NotFelt("a message is taken")


@cell
def disk_full(bench: Bench) -> str:
    with bench.faults.disk_full():
        return _refused(bench, redis.ResponseError)


@cell
def cut_connections(bench: Bench) -> str:
    bench.redis.ping()
    before = bench.redis.client_id()
    bench.faults.cut_connections()
    bench.see(lambda: bench.redis.client_id() != before, "our connection is new")
    return "our own connection was cut, too"


# Links


@cell
def black_hole(bench: Bench) -> str:
    with bench.faults.black_hole("worker"):
        return _nothing_arrives(bench)


@cell
def no_answers(bench: Bench) -> str:
    with bench.faults.no_answers("worker"):
        return _nothing_arrives(bench)


@cell
def refuse(bench: Bench) -> str:
    with bench.faults.refuse("worker"):
        return _nothing_arrives(bench)


@cell
def slow(bench: Bench) -> str:
    with bench.faults.slow("worker", delay_s=0.2):
        took_s = bench.work_off()
    if took_s < 0.2:
        raise NotFelt(f"a job is done after {took_s:.3f} s")
    return "a job takes at least 0.2 s more"


@cell
def loss(bench: Bench) -> str:
    with bench.faults.loss("worker", share=0.1, seed=time.monotonic_ns()):
        slowest_s = max(bench.work_off() for _ in range(10))
    if slowest_s < 0.2:
        raise NotFelt(f"the slowest of 10 jobs is done after {slowest_s:.3f} s")
    return "the slowest of 10 jobs takes at least 0.2 s"


@cell
def cut(bench: Bench) -> str:
    bench.faults.cut("worker")
    return ""


# Messages


@cell
def second_delivery(bench: Bench) -> str:
    bench.running("sleep", seconds=1)
    job = bench.send("sleep")
    bench.faults.second_delivery(QUEUE, job=job)
    bench.see(lambda: bench.starts(job) == 2, "it is started twice")
    return "the job is started twice"


@cell
def garbage(bench: Bench) -> str:
    bench.faults.garbage(QUEUE)
    bench.see(lambda: not bench.redis.llen(QUEUE), "the queue is empty")
    return "the worker has taken it from the queue"


@cell
def unknown_task(bench: Bench) -> str:
    job = bench.faults.unknown_task(QUEUE)
    bench.see(lambda: "unknown" in bench.ends(job or ""), "the worker refuses it")
    return "the worker reports it unknown"


@cell
def older_signature(bench: Bench) -> str:
    job = bench.faults.older_signature(QUEUE, "small.add", args=(1,))
    bench.see(
        lambda: any(how.endswith("TypeError") for how in bench.ends(job or "")),
        "the task fails",
    )
    return "the task fails with a TypeError"


@cell
def noop(bench: Bench) -> str:
    before = bench.stack.process("worker").id
    bench.faults.noop("worker")
    if bench.stack.process("worker").id != before:
        raise NotFelt("the worker is another process")
    return "the worker is the same process"


def _ended_with(bench: Bench, role: str, code: int) -> str:
    seen = bench.exit_code(role)
    if seen != code:
        raise NotFelt(f"{role} ended with {seen}, not {code}")
    return f"its exit code is {code}"


def _refused(bench: Bench, error: type[redis.RedisError]) -> str:
    try:
        bench.redis.set("bench:probe", "1")
    except error as refused:
        return f"a write ends with {type(refused).__name__}"
    raise NotFelt("a write is taken")


def _run_id(bench: Bench) -> str:
    return str(bench.redis.info("server")["run_id"])


def _nothing_arrives(bench: Bench) -> str:
    job = bench.send("sleep")
    bench.never(lambda: bench.starts(job), "a job arrives over the link")
    return "a job sent meanwhile is not started"
