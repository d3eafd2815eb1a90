"""Copies a pattern into another package, alone or with its tests."""

from pathlib import Path
from typing import NamedTuple

from reference_app.pattern_list import CLIENTS, FOLDER, Pattern

#: What the tests of the patterns share; they lie beside them.
SHARED = (FOLDER / "tests" / "conftest.py", FOLDER.parent / "embedded_redis.py")

#: What copied tests need.
TEST_NEEDS = ("pytest", "celery", "fakeredis[lua]", "hypothesis", "redis")


class CopyRefused(Exception):
    """Nothing was copied."""


class Copied(NamedTuple):
    """What was written, what proves it, and what it needs to be installed."""

    files: tuple[Path, ...]
    contracts: tuple[str, ...]
    library: str | None


def add(pattern: Pattern, package: Path, *, tests: bool = False) -> Copied:
    """Copy `pattern` into the folder `package`; nothing is ever overwritten.

    Raises:
        CopyRefused: the folder is no package, or a file is in the way; says which.
    """
    if not (package / "__init__.py").is_file():
        raise CopyRefused(
            f"{package} is no package: make it one with "
            f"`mkdir -p {package} && touch {package}/__init__.py`"
        )
    wanted = {package / pattern.file: pattern.path.read_text()}
    if tests:
        wanted |= _tests(pattern, package)
    # Look first, then write: a half copied pattern is worse than none.
    new = {path: text for path, text in wanted.items() if not _is_there(path, text)}
    if package / pattern.file not in new:
        raise CopyRefused(f"{package / pattern.file} is there already, the same")
    for path, text in new.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    library = CLIENTS[pattern.client] if pattern.client else None
    return Copied(tuple(new), pattern.contracts, library)


def module(package: Path) -> str:
    """Return the name by which a package is imported, `jobs.patterns` say."""
    folder, names = package.resolve(), []
    while (folder / "__init__.py").is_file():
        names.append(folder.name)
        folder = folder.parent
    return ".".join(reversed(names))


def _tests(pattern: Pattern, package: Path) -> dict[Path, str]:
    own = FOLDER / "tests" / f"test_{pattern.file}"
    missing = [path for path in (own, *SHARED) if not path.is_file()]
    if missing:
        raise CopyRefused(
            f"{missing[0].name} is not here: an installed package has no tests, take "
            "them from a checkout, or copy without --tests"
        )
    name = module(package)
    return {
        package / "tests" / path.name: path.read_text()
        .replace("from reference_app import", f"from {name}.tests import")
        .replace("reference_app.patterns", name)
        for path in (own, *SHARED)
    }


def _is_there(path: Path, text: str) -> bool:
    """Return whether the very same file is there.

    Raises:
        CopyRefused: another file is in its place.
    """
    if not path.exists():
        return False
    if path.read_text() != text:
        raise CopyRefused(f"{path} is there already, and another: move it away first")
    return True
