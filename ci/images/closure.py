"""What a program needs from its machine to run elsewhere: its shared libraries."""

import re
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

LIBC = "libc.so.6"

#: What the loader never shows, because it is opened at run time: name look-up, and
#: unwinding when a thread is cancelled.
OPENED_BY_LIBC = (
    "libnss_files.so.2",
    "libnss_dns.so.2",
    "libresolv.so.2",
    "libgcc_s.so.1",
)

#: What a wheel may expect of any Linux (PEP 600), less the libraries of a desktop.
EXPECTED_BY_WHEELS = (
    LIBC,
    "libm.so.6",
    "libdl.so.2",
    "librt.so.1",
    "libutil.so.1",
    "libpthread.so.0",
    "libresolv.so.2",
    "libgcc_s.so.1",
    "libstdc++.so.6",
    "libz.so.1",
)

_MAPPED = re.compile(r"^\s+(?:\S+ => )?(/\S+) \(0x", re.MULTILINE)


def libraries(programs: Iterable[Path]) -> set[Path]:
    """Return the libraries that the loader maps for these ELF files, itself included.

    A library that is missing here is missing in the image as well.
    """
    # What ldd does for one file, without its three processes for each.
    each = 'for program; do "$0" --list "$program"; done'
    return _mapped("sh", "-c", each, str(_loader()), *map(str, programs))


def beside_libc(names: Iterable[str]) -> set[Path]:
    """Return those of the named libraries that lie in the folder of the C library."""
    (folder,) = {p.parent for p in libraries([Path("/bin/sh")]) if p.name == LIBC}
    return {folder / name for name in names if (folder / name).exists()}


@cache
def _loader() -> Path:
    (loader,) = (
        path for path in _mapped("ldd", "/bin/sh") if path.name.startswith("ld")
    )
    return loader


def _mapped(*command: str) -> set[Path]:
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    return {Path(path) for path in _MAPPED.findall(listed.stdout)}
