"""A mutant: the smallest realistic way to break the application, and who must notice.

A contract that no mutant violates has never been seen to fail.
"""

import difflib
import importlib.util
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any, Protocol

from harness.contract import find_contract
from harness.errors import ContractError, MutantError

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

#: Left out of a copy: tests are not run from it. What is compiled comes along: a part
#: takes a second less to start.
_SKIPPED = shutil.ignore_patterns("tests")

#: Folders of weights are linked: a mutant changes code, and copies stay small.
_LINKED = ("models",)


@dataclass(frozen=True)
class Replace:
    """One text in one file, `path` as seen from the import root, replaced by another.

    `old` must occur exactly once.
    """

    path: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """One named change of the application, and the contract that must catch it.

    Args:
        name: words with dashes, unique.
        contract: the id of the contract it violates.
        why: where this mistake is met in real projects.
        env: environment variables in place of the target's.
        command: role -> arguments appended to its command (last wins).
        overlay: one Replace or several, applied to a copy of the package.
        healthy: it changes nothing that matters: every contract must hold.
    """

    name: str
    contract: str
    why: str
    env: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    command: Mapping[str, Sequence[str]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    overlay: Replace | Sequence[Replace] = ()
    healthy: bool = False

    @property
    def replacements(self) -> tuple[Replace, ...]:
        """Return the overlay as a tuple, empty where there is none."""
        return _replacements(self)

    @property
    def mechanism(self) -> str:
        """Return how it works: env, command, overlay, or several of them."""
        ways = {"env": self.env, "command": self.command, "overlay": self.replacements}
        return "+".join(way for way, used in ways.items() if used) or "none"


class Overlaid(Protocol):
    """What an overlay needs of a mutant."""

    @property
    def name(self) -> str:
        """Return its name, for messages."""

    @property
    def overlay(self) -> Any:
        """Return one Replace, several, or none."""


def load_mutants(folder: Path) -> tuple[Mutant, ...]:
    """Return the mutants of a folder, one `MUTANT` per file, sorted by name.

    Raises:
        MutantError: a file defines none, a wrong one, or a name twice.
    """
    found: dict[str, Mutant] = {}
    for path in sorted(folder.glob("*.py")):
        if path.name.startswith(("_", "test_", "conftest")):
            continue
        mutant = _load(path)
        if mutant.name in found:
            raise MutantError(f"{path}: the name {mutant.name!r} is taken.")
        found[mutant.name] = mutant
    return tuple(found[name] for name in sorted(found))


def find_mutant(name: str, folder: Path) -> Mutant:
    """Return one mutant; raises MutantError with the nearest names."""
    known = {mutant.name: mutant for mutant in load_mutants(folder)}
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
        meant = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise MutantError(
            f"No mutant {name!r} in {folder}.{meant} "
            "`queueproof mutants` lists them all."
        )
    return known[name]


def _load(path: Path) -> Mutant:
    spec = importlib.util.spec_from_file_location(
        f"queueproof_mutant_{path.stem}", path
    )
    if spec is None or spec.loader is None:
        raise MutantError(f"{path} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    mutant = getattr(module, "MUTANT", None)
    if not isinstance(mutant, Mutant):
        raise MutantError(f"{path} defines no MUTANT = Mutant(...). Add it.")
    try:
        room = find_contract(mutant.contract).room
    except ContractError as error:
        raise MutantError(f"{path}: {error}") from error
    if _NAME.fullmatch(mutant.name) is None:
        raise MutantError(
            f"{path}: expected a name like 'terminal-twice', but got {mutant.name!r}."
        )
    if mutant.mechanism == "none":
        raise MutantError(
            f"{path}: {mutant.name} changes nothing. Give it env, command or overlay."
        )
    if not mutant.healthy and not path.stem.startswith(room):
        raise MutantError(
            f"{path}: a mutant of {mutant.contract} lives in {room}_<name>.py."
        )
    return mutant


def apply_overlay(
    mutant: Overlaid, dest_dir: Path, *, roots: Iterable[Path] = ()
) -> tuple[Path, ...]:
    """Copy the packages a mutant changes into `dest_dir`, changed; return the files.

    Packages are looked for in `roots`, then where this interpreter would import them.

    Raises:
        MutantError: no such package or file, or a text that does not occur exactly
            once: the source has moved on, and the mutant must follow.
    """
    changed = []
    for replace in _replacements(mutant):
        path = PurePosixPath(replace.path)
        if path.is_absolute() or ".." in path.parts:
            raise MutantError(f"{mutant.name}: {path} leaves the package.")
        _copy_once(mutant, path.parts[0], dest_dir, roots)
        file = dest_dir / path
        if not file.is_file():
            raise MutantError(f"{mutant.name}: there is no file {path}.")
        text = file.read_text(encoding="utf-8")
        count = text.count(replace.old)
        if count != 1:
            raise MutantError(
                f"{mutant.name}: expected this text once in {path}, but found it "
                f"{count} times: {replace.old!r}. Bring the mutant up to date."
            )
        file.write_text(text.replace(replace.old, replace.new), encoding="utf-8")
        for stale in file.parent.glob(f"__pycache__/{file.stem}.*.pyc"):
            stale.unlink()
        changed.append(file)
    return tuple(changed)


def _replacements(mutant: Overlaid) -> tuple[Replace, ...]:
    overlay = mutant.overlay
    return (overlay,) if isinstance(overlay, Replace) else tuple(overlay)


def _copy_once(
    mutant: Overlaid, top: str, dest_dir: Path, roots: Iterable[Path]
) -> None:
    dest = dest_dir / top
    if dest.exists():
        return
    source = _find(top, roots)
    if source is None:
        raise MutantError(
            f"{mutant.name}: {top} is neither in {[str(r) for r in roots]} nor can "
            "this interpreter import it."
        )
    dest_dir.mkdir(parents=True, exist_ok=True)
    if source.is_file():
        shutil.copyfile(source, dest)
        return

    def skip(folder: str, names: list[str]) -> set[str]:
        linked = {n for n in names if n in _LINKED and (Path(folder) / n).is_dir()}
        return set(_SKIPPED(folder, names)) | linked

    shutil.copytree(source, dest, ignore=skip)
    for name in _LINKED:
        for folder in source.rglob(name):
            link = dest / folder.relative_to(source)
            if folder.is_dir() and not (folder / "__init__.py").exists():
                link.symlink_to(folder.resolve(), target_is_directory=True)
            elif folder.is_dir():
                shutil.copytree(folder, link, ignore=_SKIPPED)


def _find(top: str, roots: Iterable[Path]) -> Path | None:
    for root in roots:
        if (root / top).exists():
            return root / top
    spec = importlib.util.find_spec(top.removesuffix(".py"))
    if spec is None or spec.origin is None:
        return None
    origin = Path(spec.origin)
    return origin.parent if origin.name == "__init__.py" else origin
