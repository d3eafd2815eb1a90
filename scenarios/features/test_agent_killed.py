"""A run of the agent that is hurt at a random point ends like one that was not."""

import itertools
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness import NeverHappened, wait_until

AT = "/api/v2/agent"
OVER = ("completed", "failed", "cancelled")

#: Seconds a run may take that lost its process; a worker that starts takes most of it.
RUN_S = 120.0

#: So often a round is repeated whose damage came after the end of its run.
REPEATS = 5


@dataclass(frozen=True)
class Stretch:
    """What lies between two lines that an undisturbed run wrote into the journal."""

    part: str
    begins: tuple[str, ...]
    length_s: float


#: In target.toml they are shorter than a run that is hurt may take.
LIMITS = {"AGENT_SOFT_TIME_LIMIT": "80", "AGENT_HARD_TIME_LIMIT": "90"}


@pytest.fixture
def user(users_of):
    """Return a user whose runs have time."""
    with users_of(**LIMITS) as found:
        yield found


@pytest.fixture
def runs(stack, user, history):
    """Start runs, wait for them, and see what they did and what they left."""

    class Runs:
        knowledge_base = stack.layout.data / "knowledge-base"

        def start(self) -> str:
            """Start with no knowledge base; nothing runs that could write to it."""
            if self.knowledge_base.exists():
                shutil.rmtree(self.knowledge_base)
            answer = user.post(f"{AT}/start", json={"preferences": {}})
            assert answer.status_code == 202, answer.text
            return str(answer.json()["task_id"])

        def completed(self, job: str) -> None:
            def look() -> dict[str, Any] | None:
                answer = user.get(f"{AT}/status/{job}")
                assert answer.status_code == 200, answer.text
                return answer.json() if answer.json()["state"] in OVER else None

            body = wait_until(look, within_s=RUN_S, what=f"{job} has ended")
            assert body["state"] == "completed", body

        def story(self, job: str) -> list[Any]:
            """Return what the journal has of the job: begins, steps and ends."""
            history.collect()
            lines = history.of(source="journal", job=job)
            return [line for line in lines if line.get("name", "step") == "step"]

        def reach(self, job: str, stretch: Stretch, share: float) -> None:
            """Wait until a run is in a stretch, by this share of it."""
            name, within = f"journal.{stretch.begins[0]}", {"within_s": RUN_S}
            found = history.until(
                job, name, where=lambda line: key(line) == stretch.begins, **within
            )
            until_t = found.t + share * stretch.length_s
            wait_until(
                lambda: history.now() >= until_t, what=name, every_s=0.001, **within
            )

        def was_hit(self, job: str) -> bool:
            """Tell whether the last damage bit, and before the run had ended."""
            fault = history.of(source="fault", kind="injected")[-1]
            ends = [line.t for line in self.story(job) if line.kind == "end"]
            return bool(fault["bit"]) and fault.t < ends[-1]

        def tree(self) -> dict[str, bytes]:
            """Return every file, records and index too, without git's own."""
            paths = self.knowledge_base.rglob("*")
            named = {path.relative_to(self.knowledge_base): path for path in paths}
            return {
                name.as_posix(): path.read_bytes()
                for name, path in named.items()
                if path.is_file() and name.parts[0] != ".git"
            }

    return Runs()


def key(line: Any) -> tuple[str, ...]:
    return (line.kind, line.get("step", ""), line.get("unit", ""))


def stretches(story: list[Any]) -> dict[str, list[Stretch]]:
    """Return the stretches of each part of an undisturbed run, in their order."""
    found: dict[str, list[Stretch]] = {}
    for line, after in itertools.pairwise(story):
        part = line.get("step", "fetch") if after.kind == "mark" else "git_sync"
        found.setdefault(part, []).append(Stretch(part, key(line), after.t - line.t))
    return found


def repeated(story: list[Any]) -> list[tuple[str, ...]]:
    """Return what was begun again though it had been done.

    An attempt that was lost may have been between its last mark and the record.
    """
    over = {line["attempt"] for line in story if line.kind == "end"}
    marks = [line for line in story if line.kind == "mark"]
    done: set[tuple[str, ...]] = set()
    again = []
    for attempt, lines in itertools.groupby(marks, lambda line: line["attempt"]):
        for line in lines:
            again += [key(line)] if key(line) in done else []
            done.add(key(line))
        if attempt not in over:
            done.discard(key(line))
    return again


def without_end(items: list[Any], chance: random.Random) -> Iterator[Any]:
    """Yield each of them in an order of chance's, and then again in another one."""
    while True:
        yield from chance.sample(items, len(items))


def git(root: Path, *arguments: str) -> list[str]:
    command = ["git", "-C", str(root), *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


@pytest.mark.feature("S4-08")
def test_a_run_that_is_hurt_at_random_ends_like_an_undisturbed_one(
    runs, faults, request
):
    """Twenty times: `pytest scenarios/features/test_agent_killed.py --agent-kills 20`.

    The damage is spread over all parts of a run, long or short, by `--agent-seed`.
    """
    kills, seed = request.config.option.agent_kills, request.config.option.agent_seed
    undisturbed = runs.start()
    runs.completed(undisturbed)
    whole, calm = runs.tree(), runs.story(undisturbed)
    assert repeated(calm) == []
    assert {"README.md", ".agent/index.npz", ".agent/bookmarks.json"} <= whole.keys()
    parts = stretches(calm)
    chance = random.Random(seed)
    damage = without_end(
        [
            faults.kill_child,
            lambda job: faults.kill_main("worker"),
            lambda job: faults.redis_restart(),
        ],
        chance,
    )
    places = without_end(list(parts), chance)

    def one_round(hurt: Callable[[str], Any], stretch: Stretch) -> bool:
        job = runs.start()
        runs.reach(job, stretch, chance.random())
        hurt(job)
        runs.completed(job)
        assert runs.tree() == whole, stretch
        story = runs.story(job)
        assert repeated(story) == [], stretch
        assert {key(line) for line in story} == {key(line) for line in calm}
        assert len(git(runs.knowledge_base, "log", "--format=%H")) == 1
        assert git(runs.knowledge_base, "status", "--porcelain") == []
        assert git(runs.knowledge_base, "fsck", "--strict", "--no-dangling") == []
        return runs.was_hit(job)

    for hurt, place in itertools.islice(zip(damage, places, strict=False), kills):
        hits = (one_round(hurt, chance.choice(parts[place])) for _ in range(REPEATS))
        if not any(hits):
            raise NeverHappened(f"{REPEATS} times a run ended before its {place} did.")
