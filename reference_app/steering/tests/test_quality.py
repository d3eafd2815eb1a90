import pytest
from click.testing import CliRunner

from reference_app.steering import quality
from reference_app.steering.catalogue import models_root
from reference_app.steering.recipe import SAE_ID
from reference_app.steering.stories import TOPICS


@pytest.fixture(scope="module")
def gates():
    return list(quality.measure(models_root(), SAE_ID))


def test_the_committed_model_passes_every_gate(gates):
    assert [gate for gate in gates if not gate.passed] == []


def test_every_topic_has_a_gate_for_its_mass_and_one_for_its_share(gates):
    for topic in TOPICS:
        names = [gate.name for gate in gates if gate.name.startswith(f"{topic} ")]
        assert len(names) == 2


def test_the_command_prints_the_gates_and_fails_when_one_does(monkeypatch):
    passed = quality.Gate("mass", "0.1 0.2", "rising", True)
    failed = quality.Gate("share", "1.5 x", ">= 3 x", False)
    runner = CliRunner()
    monkeypatch.setattr(quality, "measure", lambda root, sae: iter([passed]))
    good = runner.invoke(quality.main, [])
    monkeypatch.setattr(quality, "measure", lambda root, sae: iter([passed, failed]))
    bad = runner.invoke(quality.main, [])
    assert (good.exit_code, bad.exit_code) == (0, 1)
    assert "FAIL" in bad.output
    assert "1.5 x" in bad.output
