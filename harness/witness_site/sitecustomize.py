"""First on PYTHONPATH: guards every process, hands the witness to Celery workers.

Python imports this file at every start. It installs the guard beside it, runs the
sitecustomize it hides (a machine's own, say), and if QUEUEPROOF_WITNESS names a file,
waits for the first import of `celery.signals`; then it loads the witness. A process
that never imports celery pays one comparison per import. Python >= 3.9, standard
library only.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # typing itself costs every process a millisecond
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))


class _WhenCeleryComes:
    """A path finder that finds nothing, but sees `celery.signals` being looked for."""

    def __init__(self, witness_path: str) -> None:
        self.witness_path = witness_path

    def find_spec(
        self, name: str, path: Any = None, target: Any = None
    ) -> ModuleSpec | None:
        """Let the other finders find it, and follow its execution by ours."""
        if name != "celery.signals":
            return None
        sys.meta_path.remove(self)
        import importlib.util

        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        run_module = spec.loader.exec_module

        def run_module_then_witness(module: Any) -> None:
            run_module(module)
            _witness(self.witness_path).install(module)

        spec.loader.exec_module = run_module_then_witness  # type: ignore[method-assign]
        return spec


def _load(name: str, path: str) -> Any:
    import importlib.util

    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot load {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _witness(path: str) -> Any:
    return sys.modules.get("queueproof_witness") or _load("queueproof_witness", path)


def _tell_refused(**refused: Any) -> None:
    """Write to the ledger that the guard refused something; losing it is no harm."""
    path, folder = map(os.environ.get, ("QUEUEPROOF_WITNESS", "QUEUEPROOF_LEDGER"))
    if path and folder:
        import contextlib

        with contextlib.suppress(ImportError, OSError):
            _witness(path).Ledger(folder).write("refused", **refused)


def _run_the_hidden_sitecustomize() -> None:
    from importlib.machinery import PathFinder

    elsewhere = [place for place in sys.path if os.path.abspath(place) != HERE]
    spec = PathFinder.find_spec("sitecustomize", elsewhere)
    if spec is not None and spec.origin:
        _load("sitecustomize", spec.origin)


if "QUEUEPROOF_ALLOWED_HOSTS" in os.environ:
    # It lies beside this file; importlib would cost every process 5 ms.
    __import__("queueproof_guard").install(_tell_refused)
if os.environ.get("QUEUEPROOF_WITNESS"):
    sys.meta_path.insert(0, _WhenCeleryComes(os.environ["QUEUEPROOF_WITNESS"]))
_run_the_hidden_sitecustomize()
