"""An application named by `module:attribute`, and what options add to that.

Errors speak of options, and name the nearest word that would have been right.
"""

import ast
import difflib
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.errors import AgentError, TargetError
from harness.target import Target
from harness.target_file import PLACES, find_target, read_table
from harness.target_table import from_table

#: How a worker is started where nobody says otherwise: pool, queues and limits are
#: then those of the application's own settings.
WORKER = "{python} -m celery -A {app} worker"

#: Folders below the application's that are looked at for a module's real name.
DEPTH = 3

_MISSING = re.compile(r"No module named '(?P<name>[\w.:]+)'")

#: What a key of a description is called on the command line.
_OPTION_OF = {
    r"commands\.worker": "--command",
    r"commands\.beat": "--beat",
    r"env\.": "--env ",
    r"queues =": "--queues",
    r"app =": "APP",
}

_PAIRS = {
    "--env": "NAME=VALUE, such as SHOP_REDIS={broker}",
    "--job": "TASK=SECONDS, such as shop.tasks.import_all=20",
}


def from_options(app: str | None, options: Mapping[str, Any]) -> Target:
    """Return the target that the options describe; errors speak of options."""
    file = options["target"]
    if app is None:
        file = file or find_target(Path())
        if file is None:
            raise TargetError(
                "Name the application, package.module:attribute, or its --target file; "
                f"no description lies here, neither {' nor '.join(PLACES)}. "
                "`queueproof check --help` has examples."
            )
    elif file is not None:
        raise TargetError(f"APP {app!r} and --target {file}: name one of the two.")
    # A file's paths are relative to it, those of options to where we are.
    folder = Path(file).resolve().parent if file else Path.cwd()
    table: dict[str, Any] = {"app": app, "chdir": "."}
    if file:
        table = read_table(Path(file))
    if options["python"]:
        table["python"] = options["python"]
    if options["chdir"]:
        table["chdir"] = str(Path(options["chdir"]).resolve())
    if options["pythonpath"]:
        table["pythonpath"] = [str(Path(p).resolve()) for p in options["pythonpath"]]
    if options["queues"]:
        table["queues"] = options["queues"].split(",")
    commands = {"worker": options["command"], "beat": options["beat"]}
    given = {role: command for role, command in commands.items() if command}
    table["commands"] = {**table.get("commands", {}), **given}
    pairs = dict(_pair("--env", text) for text in options["env"])
    table["env"] = {**table.get("env", {}), **pairs}
    jobs = dict(_job(text) for text in options["job"])
    table["job"] = {**table.get("job", {}), **jobs}
    try:
        return described(table, folder)
    except TargetError as error:
        if file:
            raise TargetError(f"{file}: {error}") from None
        text = str(error)
        for key, option in _OPTION_OF.items():
            text = re.sub(rf"^{key}", option, text)
        raise TargetError(text) from None


def _pair(option: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.replace(".", "_").isidentifier():
        raise TargetError(f"{option} {text!r}: write {_PAIRS[option]}.")
    return name, value


def _job(text: str) -> tuple[str, dict[str, Any]]:
    task, seconds = _pair("--job", text)
    try:
        return task, {"task": task, "expected_s": float(seconds)}
    except ValueError:
        raise TargetError(f"--job {text!r}: write {_PAIRS['--job']}.") from None


def again_with(app: str | None, options: Mapping[str, Any]) -> str:
    """Return the command with the same options, but for what chooses situations."""
    words = ["queueproof", "check", *([app] if app else [])]
    for name, value in options.items():
        for each in value if isinstance(value, tuple) else [value]:
            words += [f"--{name}", str(each)] if each else []
    return shlex.join(words)


def described(table: Mapping[str, Any], folder: Path) -> Target:
    """Return the target of a table as in target.toml, a worker's command added.

    Compiled modules are not left beside the application's files.

    Raises:
        TargetError: an unknown key or a wrong value, named, with the nearest one.
    """
    commands = {"worker": WORKER, **table.get("commands", {})}
    env = {"PYTHONDONTWRITEBYTECODE": "1", **table.get("env", {})}
    return from_table({**table, "commands": commands, "env": env}, folder)


def not_imported(target: Target, error: AgentError) -> TargetError:
    """Return what to say where the agent could not get at the application.

    Names what is missing, and the nearest module or name that is there.
    """
    missing = _MISSING.search(error.cause)
    name = missing["name"] if missing else ""
    module, _, attribute = target.app.partition(":")
    folders = [f for f in (target.chdir, *target.pythonpath) if f is not None]
    hint = ""
    if name == target.app:
        hint = _nearest(attribute, _names(module, folders), f"{module}:")
    elif name and (module == name or module.startswith(f"{name}.")):
        hint = _nearest(module, _modules(folders), "", f":{attribute}")
    elif name:
        hint = f"Install {name} for {target.python}, or name another with --python."
    where = " and ".join(map(str, folders)) or "nowhere"
    return TargetError(
        f"app = {target.app!r} cannot be imported by {target.python}: "
        f"{error.cause or error}. {hint or f'Looked in {where}.'}"
    )


def _nearest(word: str, known: Iterable[str], before: str, after: str = "") -> str:
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"Did you mean {before + near[0] + after!r}?" if near else ""


def _modules(folders: list[Path]) -> Iterator[str]:
    """Yield the dotted names of the modules in these folders."""
    for folder in folders:
        for depth in range(1, DEPTH + 1):
            for file in folder.glob("/".join(["*"] * (depth - 1) + ["*.py"])):
                parts = file.relative_to(folder).with_suffix("").parts
                dotted = ".".join(p for p in parts if p != "__init__")
                if all(p.isidentifier() for p in parts) and dotted:
                    yield dotted


def _names(module: str, folders: list[Path]) -> Iterator[str]:
    """Yield what a module assigns, as far as its source tells."""
    stem = Path(*module.split("."))
    for folder in folders:
        for file in (folder / f"{stem}.py", folder / stem / "__init__.py"):
            if not file.is_file():
                continue
            for node in ast.parse(file.read_bytes()).body:
                if isinstance(node, ast.Assign):
                    yield from (t.id for t in node.targets if isinstance(t, ast.Name))
