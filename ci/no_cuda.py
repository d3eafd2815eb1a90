"""Fail when a CUDA build came in: `python -m ci.no_cuda`.

A plain index serves the CUDA build of torch (several GB) to Linux; this project
runs on the CPU build. nvidia-ml-py is pure Python and may stay.
Exit codes: 0 clean, 1 a CUDA package is installed.
"""

import sys
from importlib.metadata import distributions

#: Pure Python, reads the driver if there is one.
ALLOWED = {"nvidia-ml-py"}


def cuda_packages(installed: list[tuple[str, str]]) -> list[str]:
    """Name==version of every package of `installed` that carries CUDA code."""
    return sorted(
        f"{name}=={version}"
        for name, version in installed
        if (name.lower().startswith("nvidia-") and name.lower() not in ALLOWED)
        or (name.lower() == "torch" and "+cu" in version)
        or name.lower() == "triton"
    )


def main() -> int:
    """Print what was found and return the exit code."""
    installed = [(d.metadata["Name"] or "", d.version) for d in distributions()]
    found = cuda_packages(installed)
    if found:
        print(f"CUDA packages are installed: {', '.join(found)}")
        print("Remedy: install torch from the CPU index (README, Install).")
        return 1
    print(f"no CUDA package among {len(installed)} installed packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
