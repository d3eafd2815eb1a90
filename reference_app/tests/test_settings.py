import pytest
from pydantic import ValidationError

from reference_app.settings import PACKAGED_MODELS, Settings


def test_limits_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("STEERING_SOFT_TIME_LIMIT", "2")
    monkeypatch.setenv("STEERING_HARD_TIME_LIMIT", "3.5")
    found = Settings()
    assert found.steering_soft_time_limit == 2
    assert found.steering_hard_time_limit == 3.5


def test_the_defaults_are_those_of_the_steering_plan(monkeypatch):
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    found = Settings()
    assert (found.steering_soft_time_limit, found.steering_hard_time_limit) == (
        150,
        180,
    )
    sweep = found.steering_sweep_soft_time_limit, found.steering_sweep_hard_time_limit
    assert sweep == (300, 360)
    assert found.models_dir == PACKAGED_MODELS


def test_a_soft_limit_at_the_hard_one_is_refused_by_name(monkeypatch):
    monkeypatch.setenv("STEERING_SWEEP_SOFT_TIME_LIMIT", "360")
    monkeypatch.setenv("STEERING_SWEEP_HARD_TIME_LIMIT", "360")
    with pytest.raises(ValidationError, match="STEERING_SWEEP_SOFT_TIME_LIMIT=360"):
        Settings()
