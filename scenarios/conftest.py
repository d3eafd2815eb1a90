"""Binds `target.toml`, which lies beside this file, to the harness."""

from pathlib import Path

import pytest

#: What shows a feature of the reference application is no contract: `make features`.
collect_ignore = ["features"]


def pytest_configure(config: pytest.Config) -> None:
    """Let the application described here be the default of --target."""
    if config.option.target is None:
        config.option.target = str(Path(__file__).with_name("target.toml"))
