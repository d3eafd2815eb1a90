"""A small source, a context that records, and a way to die at any moment."""

import io
import os
import sys

import pytest
from PIL import Image

from reference_app import endings
from reference_app.agent import pipeline
from reference_app.agent.notes import markdown
from reference_app.agent.phases import Preferences
from reference_app.settings import settings

#: Events of Python's own audit that change a file system.
CHANGES = {
    "os.rename",
    "os.remove",
    "os.link",
    "os.mkdir",
    "os.rmdir",
    "os.chmod",
    "os.truncate",
    "shutil.rmtree",
}


class Killed(BaseException):
    """As a SIGKILL: whoever gets it changes no file any more."""


class Death:
    """Counts the changes of files below a folder, and dies before one of them."""

    def __init__(self):
        self.folder, self.at, self.seen = None, 0, 0

    def __call__(self, event, arguments):
        if self.folder is None:
            return
        path = str(arguments[0]) if arguments else ""
        writes = event == "open" and bool(
            (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR)
        )
        if (event in CHANGES or writes) and path.startswith(self.folder):
            # Dead is dead: clean-up that would run in `finally` does not either.
            self.seen = min(self.seen + 1, self.at or self.seen + 1)
            if self.seen == self.at:
                raise Killed


_death = Death()
sys.addaudithook(_death)  # cannot be taken away again; without a folder it does nothing


class RecordingContext:
    """What a job function gets, keeping what it is told.

    `on_mark` runs at every mark; `on_check` at every check, with its number.
    """

    def __init__(self, job_id="job-1", on_mark=None, on_check=None):
        self.job_id = job_id
        self.reports, self.marks, self.checks = [], [], 0
        self._on_mark, self._on_check = on_mark, on_check

    def report(self, percent, message, *, force=False, **data):
        self.reports.append((percent, message, data))

    def check_cancelled(self):
        self.checks += 1
        if self._on_check is not None:
            self._on_check(self.checks)

    def mark(self, name, **data):
        self.marks.append((data["step"], data["unit"]))
        if self._on_mark is not None:
            self._on_mark(data["step"], data["unit"])


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch):
    """Flush nothing: no test cuts the power."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def new_context():
    return RecordingContext


def png(width=40, height=30, colour="navy"):
    file = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def make_png():
    return png


NOTES = {
    "ebb.md": (
        "---\ntitle: The ebb\ncategory: Sea\ntags: [moon]\n---\n"
        "The moon pulls the sea, and the water falls at ebb. "
        "See [the flood](flood.md).\n\n![A wave](wave.png)\n"
    ),
    "flood.md": (
        "---\ncategory: Sea\n---\n# The flood\n\n"
        "The moon pulls the sea, and the water rises at flood.\n\n"
        "| Hour | Water |\n| --- | --- |\n| 1 | low |\n"
    ),
    "rye.md": (
        "---\ncategory: Bread\n---\n# Rye bread\n\n"
        "Rye flour makes a dense and dark bread. A starter lifts the dough.\n"
    ),
    "crust.md": "# Crust\n\nA hot oven makes the crust of the bread brown.\n",
}


@pytest.fixture
def notes(tmp_path):
    """Four notes with an image, two categories, one note without one."""
    folder = tmp_path / "notes"
    folder.mkdir()
    for name, text in NOTES.items():
        (folder / name).write_text(text)
    (folder / "wave.png").write_bytes(png())
    return folder


@pytest.fixture
def run(tmp_path, notes):
    """Return a function that runs the agent on the notes; preferences by name."""

    def do(root=None, ctx=None, origin=None, only=pipeline.ALL, ids=None, **wanted):
        steps = wanted.pop("steps", pipeline.EVERY_STEP)
        return pipeline.run(
            origin or notes,
            root or tmp_path / "kb",
            Preferences.from_mapping(wanted),
            ctx or RecordingContext(),
            only=only,
            steps=steps,
            ids=ids,
        )

    return do


@pytest.fixture
def jobs(tmp_path, monkeypatch):
    """Job records of their own, whose jobs wait for the old path; no Redis."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'jobs.db'}")
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("AGENT_KB_DIR", str(tmp_path / "kb"))
    monkeypatch.setenv("USE_CELERY", "false")
    _forget_settings()
    yield endings.store()
    _forget_settings()


def _forget_settings():
    settings.cache_clear()
    endings._store.cache_clear()
    endings._client.cache_clear()


@pytest.fixture
def dying():
    """Return a function that calls another and dies before its n-th change.

    It returns the number of changes that were made, or would have been the next.
    """

    def call(folder, at, function):
        _death.folder, _death.at, _death.seen = str(folder), at, 0
        try:
            function()
        except Killed:
            return _death.seen
        finally:
            _death.folder = None
        return _death.seen

    return call


def tree(root):
    """Every file of a knowledge base with its bytes, without git's own."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(root).parts
    }


@pytest.fixture
def tree_of():
    return tree


def _broken_links(root):
    """Links of pages that lead to no file."""
    found = []
    for page in root.rglob("*.md"):
        for node in list(markdown(page.read_text()).walk())[1:]:
            target = node.attrs.get("href") or node.attrs.get("src")
            local = target and "://" not in target
            if local and not (page.parent / target).is_file():
                found.append((page.relative_to(root).as_posix(), target))
    return found


@pytest.fixture
def broken_links():
    return _broken_links
