"""The few questions and orders for the container engine, through its own client."""

import subprocess

from ci.images.contents import Contents, write

#: On every image of ours; its value is the name.
LABEL = "queueproof.image"

#: Newest images of one name that stay: another checkout may be using the one before.
KEPT = 3


class NoEngine(RuntimeError):
    """No container engine answers. Start one with ci/engine.sh up."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


def _docker(*arguments: str) -> str:
    done = subprocess.run(
        ["docker", *arguments], stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.strip()


def check() -> None:
    """Raise NoEngine unless an engine answers."""
    try:
        subprocess.run(["docker", "version"], capture_output=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        raise NoEngine from None


def has(reference: str) -> bool:
    """Return whether this image is there."""
    return bool(_docker("image", "ls", "--quiet", reference))


def megabytes(reference: str) -> float:
    """Return the size of an image in units of a million bytes."""
    return int(_docker("image", "inspect", "--format={{.Size}}", reference)) / 1e6


def import_image(reference: str, contents: Contents, settings: tuple[str, ...]) -> None:
    """Make an image of one layer."""
    label = f"LABEL {LABEL}={reference.partition(':')[0]}"
    changes = [word for line in (*settings, label) for word in ("--change", line)]
    command = ["docker", "import", *changes, "-", reference]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as importing:
        assert importing.stdin is not None
        write(contents, importing.stdin)
    if importing.returncode:
        raise subprocess.CalledProcessError(importing.returncode, command)


def remove_stale(reference: str) -> None:
    """Remove our older images of this name, less a few and less those in use."""
    name = reference.partition(":")[0]
    newest_first = _docker(
        *("image", "ls", "--filter", f"label={LABEL}={name}"),
        "--format={{.Repository}}:{{.Tag}}",
    ).splitlines()
    for stale in newest_first[KEPT:]:
        # Refused while a container uses it; the next call finds it again.
        subprocess.run(["docker", "rmi", stale], capture_output=True, check=False)
