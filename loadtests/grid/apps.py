"""The applications that a grid can measure, and how their jobs are asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness import Target
from loadtests.application import REFERENCE

STOCK = Path(__file__).parent / "stock" / "target.toml"

#: The task that waits: the witness brings it into every worker.
WAITS = "queueproof.sleep"

#: Where the reference application takes jobs that only wait.
REHEARSALS = "POST /api/v1/rehearsals"


@dataclass(frozen=True)
class App:
    """An application, and the way in.

    Args:
        name: what the report calls it.
        target: its description; its workers' command takes Celery's options.
        queue: of the jobs.
        route: where they are submitted; empty: they go straight to the queue.
        says: what is measured, in one sentence.
        env: beside what the target sets.
        tunable: whether prefetch and acknowledgement can be changed from outside; an
            application that declares both heeds neither.
    """

    name: str
    target: Target
    queue: str
    says: str
    route: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    tunable: bool = False

    @property
    def through(self) -> str:
        """Return the way in: "api" or "queue"."""
        return "api" if self.route else "queue"

    def deployed(self, options: str, env: Mapping[str, str]) -> Target:
        """Return the target whose worker gets these options and variables, too."""
        roles = ("api", "worker") if self.route else ("worker",)
        commands = {role: self.target.commands[role] for role in roles}
        commands["worker"] += f" {options}"
        return replace(
            self.target,
            commands=commands,
            links=(),
            queues=(self.queue,),
            env={**self.target.env, **self.env, **env},
        )


def known() -> dict[str, App]:
    """Return the applications that need no description of the user's, by name."""
    reference = Target.load(REFERENCE)
    # The journal is for those who test the application, not for those who run it.
    light = {"WORKER_QUEUES": "llmctl_studio", "JOURNAL_DIR": ""}
    apps = (
        App(
            "stock",
            Target.load(STOCK),
            "celery",
            "Celery with no setting changed, jobs straight to the queue",
            tunable=True,
        ),
        App(
            "light",
            reference,
            "llmctl_studio",
            "the light queue of the reference application, straight to the queue",
            env=light,
        ),
        App(
            "jobs",
            reference,
            "llmctl_studio",
            "the same queue through the API: with a row and events for each job",
            route=REHEARSALS,
            env={**light, "REHEARSALS": "true", "MAX_BACKLOG": "1000000"},
        ),
        App(
            "recycling",
            reference,
            "steering",
            "its accelerator's queue, straight: a fresh process for each job",
            env={"WORKER_QUEUES": "steering"},
        ),
    )
    return {app.name: app for app in apps}


def described(path: Path, queue: str) -> App:
    """Return the application of a target file; probe tasks go straight to `queue`.

    Raises:
        TargetError: there is no such description, or it is wrong.
        ValueError: it names no worker, or none of its queues is that one.
    """
    target = Target.load(path)
    if "worker" not in target.commands:
        raise ValueError(f"{path} names no worker to measure: [commands] worker = ...")
    if not queue and not target.queues:
        raise ValueError(f"{path} names no queue; add queues = [...] or give --queue")
    name = path.resolve().parent.name
    says = f"{name}, straight to a queue"
    return App(name, target, queue or target.queues[0], says, tunable=True)
