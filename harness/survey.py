"""What can be found out about an application from its folder, without running it.

Source files are parsed, not imported; other files are searched for the commands that
start a worker or beat. Everything found is a proposal with the place it was found at.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

#: Folders that hold no source of the application.
NOT_LOOKED_AT = frozenset(
    {"node_modules", "site-packages", "build", "dist", "venv", "env", "tests", "test"}
)

#: Files looked at in one folder: a project has fewer, a home directory has more.
MAX_FILES = 3000

#: Files in which deployments name their commands.
DEPLOYMENT = ("Procfile*", "Dockerfile*", "*.yml", "*.yaml", "*.sh", "*.conf", "*.ini")

_COMMAND = re.compile(r"\bcelery\b[^\n\"'\[\]]*?\s(worker|beat)\b[^\n\"'\[\]&|;]*")
_ROUTE = ("get", "post", "put", "delete", "patch")
_ENV_NAME = re.compile(r"BROKER|REDIS|RESULT|CELERY", re.IGNORECASE)


@dataclass(frozen=True)
class Found:
    """One thing and the `file:line` it was found at, relative to the folder."""

    text: str
    place: str


@dataclass
class Survey:
    """What was found; the likeliest first."""

    apps: list[Found] = field(default_factory=list)
    workers: list[Found] = field(default_factory=list)
    beats: list[Found] = field(default_factory=list)
    env: list[Found] = field(default_factory=list)
    routes: list[Found] = field(default_factory=list)
    events: list[Found] = field(default_factory=list)


def survey(folder: Path) -> Survey:
    """Look through `folder`; a file that cannot be read or parsed is passed over."""
    seen = Survey()
    for number, path in enumerate(_files(folder, "*.py")):
        if number == MAX_FILES:
            break
        _look_at_source(seen, path, folder)
    for pattern in DEPLOYMENT:
        for path in _files(folder, pattern):
            _look_at_deployment(seen, path, folder)
    for found in (seen.apps, seen.env, seen.routes, seen.events):
        first: dict[str, Found] = {}
        for entry in found:
            first.setdefault(entry.text, entry)
        # What lies on top tells more than what lies deep.
        found[:] = sorted(first.values(), key=lambda entry: entry.place.count("/"))
    return seen


def served_queues(workers: list[Found]) -> list[str]:
    """Return the queues that the likeliest worker's command names with -Q."""
    words = workers[0].text.split() if workers else []
    for number, word in enumerate(words):
        name, _, value = word.partition("=")
        if name in ("-Q", "--queues"):
            value = value or "".join(words[number + 1 : number + 2])
            return [queue for queue in value.split(",") if queue]
    return []


def _files(folder: Path, pattern: str) -> Iterator[Path]:
    for path in sorted(folder.rglob(pattern)):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") or part in NOT_LOOKED_AT for part in parts)
        if path.is_file() and not hidden:
            yield path


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _look_at_deployment(seen: Survey, path: Path, folder: Path) -> None:
    for number, line in enumerate(_text(path).splitlines(), start=1):
        # A list of words, as JSON or YAML write commands, reads like a command line.
        plain = line.replace('", "', " ").replace("', '", " ")
        match = _COMMAND.search(plain)
        if match:
            place = f"{path.relative_to(folder)}:{number}"
            command = " ".join(match[0].split())
            into = seen.workers if match[1] == "worker" else seen.beats
            into.append(Found(command, place))


def _look_at_source(seen: Survey, path: Path, folder: Path) -> None:
    try:
        tree = ast.parse(_text(path))
    except (SyntaxError, ValueError):
        return
    relative = path.relative_to(folder)

    def note(into: list[Found], text: str, node: ast.expr | ast.stmt) -> None:
        into.append(Found(text, f"{relative}:{node.lineno}"))

    module = ".".join(relative.with_suffix("").parts).removesuffix(".__init__")
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and _called(statement.value) == "Celery":
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    note(seen.apps, f"{module}:{target.id}", statement)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call | ast.Subscript):
            name = _env_name(node)
            if name and _ENV_NAME.search(name):
                note(seen.env, name, node)
        if isinstance(node, ast.Call) and _called(node) == "emit":
            word = _constant(node.args[0]) if node.args else None
            if word:
                note(seen.events, word, node)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                route = _route(decorator)
                if route:
                    note(seen.routes, route, decorator)


def _called(node: ast.expr) -> str:
    """Return the last name of a call such as `celery.Celery(...)`; else nothing."""
    if not isinstance(node, ast.Call):
        return ""
    return ast.unparse(node.func).rpartition(".")[2]


def _constant(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return None


def _env_name(node: ast.Call | ast.Subscript) -> str | None:
    """Return the name in os.environ[...], os.environ.get(...) or os.getenv(...)."""
    if isinstance(node, ast.Subscript):
        return _constant(node.slice) if _is_environ(node.value) else None
    called = ast.unparse(node.func)
    if node.args and (called.endswith("environ.get") or called.endswith("getenv")):
        return _constant(node.args[0])
    return None


def _is_environ(node: ast.expr) -> bool:
    return ast.unparse(node).endswith("environ")


def _route(decorator: ast.expr) -> str | None:
    """Return "METHOD /path" of `@app.post("/path")`; None for other decorators."""
    if not isinstance(decorator, ast.Call) or not decorator.args:
        return None
    method = _called(decorator)
    path = _constant(decorator.args[0])
    if method not in _ROUTE or path is None or not path.startswith("/"):
        return None
    return f"{method.upper()} {path}"
