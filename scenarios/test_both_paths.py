"""Requests that Hypothesis draws, asked of the old path and of the new one."""

import contextlib

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from harness import Driver

#: What the schema lets pass and the model does not: it has no room for it.
TOO_LONG = "the whale " * 100

features = st.fixed_dictionaries(
    {
        "feature_idx": st.integers(0, 20),
        "strengths": st.lists(st.sampled_from([-2.0, -0.5, 0.5, 2.0]), min_size=1)
        .map(set)
        .map(sorted),
    }
)
requests = st.fixed_dictionaries(
    {
        "prompt": st.sampled_from(["The storm", "A quiet house", "Once", TOO_LONG]),
        "features": st.lists(
            features, min_size=1, max_size=2, unique_by=lambda f: f["feature_idx"]
        ),
        "max_new_tokens": st.integers(4, 20),
        "num_samples": st.integers(1, 3),
        "seed": st.integers(0, 10**6),
    }
)


@pytest.mark.contract(
    "fallback.same-to-the-user",
    "terminal.exactly-one",
    "progress.never-goes-back",
    "result.ready-when-announced",
)
def test_what_is_drawn_comes_out_the_same_by_a_worker_and_without(
    stack, target, driver, history, request
):
    """Result, ending, states and stages: two APIs, one of them with the flag off."""
    compared = request.config.getoption("--compared")
    with (
        stack.replica("api", target.flag["off"]) as api,
        contextlib.closing(Driver(target, api.api, history, part=api.name)) as old,
    ):

        @settings(
            max_examples=compared,
            phases=[Phase.generate],
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(asked=requests)
        def ask_both(asked):
            for user in (driver, old):
                job = user.submit("compare", **asked)
                user.subscribe(job)
                history.settle(job, within_s=30)

        ask_both()
