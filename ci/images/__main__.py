"""Make the images: `eval "$(ci/images/make)"`, with `app` the application's as well.

Each is tagged by the hash of what goes in, so a second call finds it and makes nothing.
Prints the lines to evaluate on standard output, and what was done on standard error.
Exit codes: 0 made or found, 2 wrong use, 4 cannot be made here.
"""

import subprocess
import sys
import time
from collections.abc import Callable

from ci.images import application, engine, recipes


def ensure(reference: str, make: Callable[[], None]) -> str:
    """Return the reference of an image that exists; make it first where it does not."""
    if engine.has(reference):
        print(f"images: {reference} found", file=sys.stderr)
        return reference
    started = time.monotonic()
    make()
    seconds = time.monotonic() - started
    size = engine.megabytes(reference)
    print(
        f"images: {reference} made in {seconds:.1f} s, {size:.0f} MB", file=sys.stderr
    )
    engine.remove_stale(reference)
    return reference


def base(image: recipes.Image) -> str:
    """Return the reference of this base image, which then exists."""
    reference = image.reference
    return ensure(
        reference,
        lambda: engine.import_image(reference, image.contents, image.settings),
    )


def main(arguments: list[str]) -> int:
    """Make what is asked for, print the variables, return the exit code."""
    if arguments not in ([], ["app"]):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        engine.check()
        redis, python = base(recipes.redis()), base(recipes.python())
        print(f"export QUEUEPROOF_REDIS_IMAGE={redis}")
        print(f"export QUEUEPROOF_PYTHON_IMAGE={python}")
        if arguments:
            app = application.reference(python)
            ensure(app, lambda: application.build(app, python))
            print(f"export QUEUEPROOF_APP_IMAGE={app}")
    except (engine.NoEngine, recipes.CannotMake) as error:
        print(f"images: {error}", file=sys.stderr)
        return 4
    except subprocess.CalledProcessError as error:
        command = " ".join(error.cmd[:2])
        print(
            f"images: `{command}` ended with {error.returncode}; why stands above. "
            "Remedy: python -m ci.images runs again what is missing",
            file=sys.stderr,
        )
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
