"""How much memory a part of the application holds, in MiB."""

from harness.engines import Engine, Process


def tree_mib(engine: Engine, process: Process) -> float:
    """Return the sum over its tree, each shared page split among those that share it.

    Processes that end while we look count as nothing.
    """
    seen = (engine.memory(info.id) for info in engine.tree(process))
    return sum(mib for mib in seen if mib is not None)
