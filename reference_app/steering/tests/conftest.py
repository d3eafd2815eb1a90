"""The committed model, loaded once, and a context that records."""

import json
import shutil

import pytest
import torch

from reference_app.steering.catalogue import find_sae, models_root
from reference_app.steering.model import load_model
from reference_app.steering.recipe import MODEL_ID, SAE_ID
from reference_app.steering.sae import load_sae


class RecordingContext:
    """What a job function gets, keeping what it reports.

    `on_check` runs at every check for a cancel, with the number of the check.
    """

    job_id, attempt = "job-1", 1

    def __init__(self, on_check=lambda count: None):
        self.reports = []
        self.checks = 0
        self._on_check = on_check

    def report(self, percent, message, *, force=False, **data):
        self.reports.append((percent, message, force, data))

    def check_cancelled(self):
        self.checks += 1
        self._on_check(self.checks)


@pytest.fixture
def new_context():
    return RecordingContext


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _packaged_models(monkeypatch):
    monkeypatch.delenv("MODELS_DIR", raising=False)


@pytest.fixture(scope="session")
def entry():
    return find_sae(models_root(), SAE_ID)


@pytest.fixture(scope="session")
def lm(entry):
    return load_model(entry.model)


@pytest.fixture(scope="session")
def sae(entry):
    return load_sae(entry)


@pytest.fixture
def root(tmp_path):
    """A copy of the committed models, to be damaged."""
    shutil.copytree(models_root(), tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def lm_folder(root):
    return root / "lm" / MODEL_ID


@pytest.fixture
def sae_folder(root):
    return root / "saes" / SAE_ID


@pytest.fixture
def edit():
    """Change settings in a JSON file; None takes one away."""

    def change(path, **settings):
        value = json.loads(path.read_text())
        value.update(settings)
        kept = {name: item for name, item in value.items() if item is not None}
        path.write_text(json.dumps(kept))

    return change


@pytest.fixture
def comparison(entry):
    """A small valid request; keywords replace fields."""

    def make(**fields):
        first, second = (feature["feature_idx"] for feature in entry.features[:2])
        return {
            "sae_id": SAE_ID,
            "prompt": "One morning, the",
            "features": [
                {"feature_idx": first, "strengths": [0, 0.5, 1]},
                {"feature_idx": second, "strengths": [-1, 1]},
            ],
            "max_new_tokens": 12,
            "temperature": 0.8,
            "seed": 3,
            "num_samples": 1,
            **fields,
        }

    return make
