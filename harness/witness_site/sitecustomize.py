"""First on PYTHONPATH: guards every process, hands the witness to Celery workers.

Python imports this file at every start. It installs the guard beside it, runs the
sitecustomize it hides (a machine's own, say), and if QUEUEPROOF_LEDGER names a folder,
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
            _ours("queueproof_witness.signals").install(module)

        spec.loader.exec_module = run_module_then_witness  # type: ignore[method-assign]
        return spec


def _ours(name: str) -> Any:
    """Import from this folder, wherever the application has put it in `sys.path`."""
    from importlib import import_module

    sys.path.insert(0, HERE)
    try:
        return import_module(name)
    finally:
        sys.path.remove(HERE)


def _tell_refused(**refused: Any) -> None:
    """Write to the ledger that the guard refused something; losing it is no harm."""
    folder = os.environ.get("QUEUEPROOF_LEDGER")
    if folder:
        import contextlib

        with contextlib.suppress(ImportError, OSError):
            ledger = _ours("queueproof_witness.ledger").Ledger(folder)
            ledger.write("refused", **refused)


def _run_the_hidden_sitecustomize() -> None:
    from importlib.machinery import PathFinder

    elsewhere = [place for place in sys.path if os.path.abspath(place) != HERE]
    spec = PathFinder.find_spec("sitecustomize", elsewhere)
    if spec is not None and spec.loader is not None:
        from importlib.util import module_from_spec

        sys.modules["sitecustomize"] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules["sitecustomize"])


if "QUEUEPROOF_ALLOWED_HOSTS" in os.environ:
    # It lies beside this file; importlib would cost every process 5 ms.
    __import__("queueproof_guard").install(_tell_refused)
if os.environ.get("QUEUEPROOF_LEDGER"):
    sys.meta_path.insert(0, _WhenCeleryComes())
_run_the_hidden_sitecustomize()
