"""The phases of a run: order, weight, what may be skipped or forced, how they count."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Protocol

from reference_app.agent.errors import AgentError

log = logging.getLogger(__name__)

#: 100 comes with the ending only.
ALMOST_DONE = 99

#: Events about what is left out, of one run.
WARNINGS = 100


class Context(Protocol):
    """What a job function is given; reference_app.context.JobContext is one."""

    job_id: str

    def report(
        self, percent: float, message: str, *, force: bool = False, **data: Any
    ) -> None:
        """Show progress; the context throttles it."""

    def check_cancelled(self) -> None:
        """Raise when the job is not wanted any more."""

    def mark(self, name: str, **data: Any) -> None:
        """Write a named moment down, for whoever counts what really ran."""


@dataclass(frozen=True)
class Part:
    """A phase of a run, or a step of its content phase.

    `weight` is its share of a run: percent of the CPU time with 100 notes.
    """

    name: str
    weight: float
    skip: str = ""  #: the preference that leaves it out; empty: it always runs
    force: str = ""  #: the preference that does it anew


#: What is done with the content of each bookmark.
STEPS = (
    Part("cache", 14, force="force_recache"),
    Part("media", 9, force="force_reprocess_media"),
    Part("llm", 30, force="force_reprocess_llm"),
    Part("kb_item", 15, force="force_reprocess_kb_item"),
)

CONTENT = "content_processing"

#: All phases, in their order.
PHASES = (
    Part("initialization", 1),
    Part("fetch_bookmarks", 2, skip="skip_fetch_bookmarks"),
    Part(CONTENT, sum(step.weight for step in STEPS), skip="skip_process_content"),
    Part(
        "synthesis_generation",
        13,
        skip="skip_synthesis_generation",
        force="force_regenerate_synthesis",
    ),
    Part(
        "embedding_generation",
        6,
        skip="skip_embedding_generation",
        force="force_regenerate_embeddings",
    ),
    Part(
        "readme_generation",
        2,
        skip="skip_readme_generation",
        force="force_regenerate_readme",
    ),
    Part("git_sync", 8, skip="skip_git_sync"),
)


@dataclass(frozen=True)
class Preferences:
    """What a user wants of a run: which phases not, what anew, and what besides."""

    skip_fetch_bookmarks: bool = False
    skip_process_content: bool = False
    skip_synthesis_generation: bool = False
    skip_embedding_generation: bool = False
    skip_readme_generation: bool = False
    skip_git_sync: bool = False
    force_recache: bool = False
    force_reprocess_media: bool = False
    force_reprocess_llm: bool = False
    force_reprocess_kb_item: bool = False
    force_regenerate_synthesis: bool = False
    force_regenerate_embeddings: bool = False
    force_regenerate_readme: bool = False
    generate_text: bool = False  #: a local model writes a text to each item

    @classmethod
    def from_mapping(cls, wanted: Mapping[str, Any]) -> "Preferences":
        """Return preferences from JSON.

        Raises:
            AgentError: a name is not known, or a value is neither true nor false.
        """
        known = [each.name for each in fields(cls)]
        for name, value in wanted.items():
            if name not in known:
                raise AgentError(f"No preference {name!r}. There are {known}.")
            if not isinstance(value, bool):
                raise AgentError(f"{name} is {value!r}; say true or false.")
        return cls(**wanted)

    def skips(self, part: Part) -> bool:
        """Whether a part is to be left out."""
        return bool(part.skip) and getattr(self, part.skip)

    def forces(self, part: Part) -> bool:
        """Whether a part is to be done anew, though nothing has changed."""
        return bool(part.force) and getattr(self, part.force)


@dataclass
class Counts:
    """What became of the units of a part: items, pages, or one thing."""

    done: int = 0
    unchanged: int = 0
    failed: int = 0

    def count(self, done: bool) -> None:
        """Count one unit that did not fail."""
        if done:
            self.done += 1
        else:
            self.unchanged += 1


@dataclass
class Report:
    """What a run did; `bookmarks` counts each of them once and adds up to `total`."""

    phases: dict[str, Counts] = field(default_factory=dict)
    steps: dict[str, Counts] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    bookmarks: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)  #: id to reason
    commit: str = ""  #: empty: nothing had changed

    @property
    def done(self) -> int:
        """How many units of all parts were worked on; 0: nothing had changed."""
        return sum(each.done for each in [*self.phases.values(), *self.steps.values()])

    def to_json(self) -> dict[str, Any]:
        """Return it as the result of a job."""
        return asdict(self)


class Progress:
    """Percent over the parts of a run, each by its weight; never goes back."""

    def __init__(self, ctx: Context, parts: Sequence[Part]) -> None:
        self._ctx, self._parts = ctx, parts
        self._whole = sum(part.weight for part in parts)
        self._before = 0.0
        self._part = parts[0]
        self._phase = ""
        self._at = 0, 1
        self._warned = 0

    def start(self, part: Part, phase: str = "") -> None:
        """Tell that a part begins; a step names its phase."""
        self._part, self._phase = part, phase or part.name
        self._tell(0, 1, "running", f"{_spoken(part)}: started")

    def advance(self, current: int, total: int, what: str) -> None:
        """Tell how many of how many units are through; throttled."""
        self._tell(current, total, "running", f"{_spoken(self._part)}: {what}")

    def warn(self, text: str) -> None:
        """Tell that something is left out: a line of the log, with its level.

        Only of the first WARNINGS; the report has all.
        """
        log.warning("%s", text)
        self._warned += 1
        if self._warned > WARNINGS:
            return
        self._tell(*self._at, "running", text, level="WARNING", force=True)

    def end(self, part: Part, counts: Counts) -> None:
        """Tell that a part is over, and what became of its units."""
        self._part, self._phase = part, self._phase if part in STEPS else part.name
        # A phase of several steps is no part: they have been weighed one by one.
        self._before += part.weight if part in self._parts else 0
        log.info("%s: %s", part.name, counts)
        self._tell(0, 1, "completed", f"{_spoken(part)}: completed", **asdict(counts))

    def skip(self, part: Part) -> None:
        """Tell that a part is left out; it weighs nothing."""
        self._part, self._phase = part, part.name
        self._tell(0, 1, "skipped", f"{_spoken(part)}: skipped")

    def _tell(
        self,
        current: int,
        total: int,
        status: str,
        text: str,
        *,
        force: bool = False,
        **data: Any,
    ) -> None:
        self._at = current, total
        inside = self._part.weight * current / max(1, total)
        self._ctx.report(
            min(ALMOST_DONE, 100 * (self._before + inside) / self._whole),
            text,
            force=force or not current,
            phase=self._phase,
            step=self._part.name,
            status=status,
            current=current,
            total=total,
            **data,
        )


def _spoken(part: Part) -> str:
    return part.name.replace("_", " ").capitalize()
