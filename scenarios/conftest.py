"""Binds `target.toml`, which lies beside this file, to the harness."""

from pathlib import Path

import pytest

#: What shows a feature of the reference application is no contract: `make features`.
collect_ignore = ["features"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what makes a scenario longer than CI has time for."""
    group = parser.getgroup("scenarios")
    group.addoption(
        "--churn-jobs", type=int, default=12, help="jobs of test_churn (default: 12)"
    )
    group.addoption(
        "--churn-seed", type=int, default=1, help="seed of its damage (default: 1)"
    )
    group.addoption(
        "--compared",
        type=int,
        default=4,
        help="requests of test_both_paths (default: 4)",
    )
    group.addoption(
        "--agent-kills",
        type=int,
        default=3,
        help="rounds of test_agent_killed (default: 3)",
    )
    group.addoption(
        "--agent-seed", type=int, default=1, help="seed of its damage (default: 1)"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Let the application described here be the default of --target."""
    if config.option.target is None:
        config.option.target = str(Path(__file__).with_name("target.toml"))
