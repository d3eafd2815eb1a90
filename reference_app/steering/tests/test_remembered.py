import json
import shutil

import pytest

from reference_app.settings import PACKAGED_MODELS
from reference_app.steering import catalogue, remembered
from reference_app.steering.errors import CatalogueError, UnknownSae
from reference_app.steering.recipe import SAE_ID


@pytest.fixture
def root(tmp_path):
    return shutil.copytree(PACKAGED_MODELS, tmp_path / "models")


@pytest.fixture
def reads(monkeypatch):
    """Count how often the files are read."""
    found, read = [], catalogue.find_sae
    monkeypatch.setattr(
        catalogue, "find_sae", lambda root, id: found.append(id) or read(root, id)
    )
    return found


def test_files_that_have_not_changed_are_read_for_the_first_submit_only(root, reads):
    first = remembered.find_sae(root, SAE_ID)
    count = len(reads)
    assert remembered.find_sae(root, SAE_ID) == first
    assert len(reads) == count


def test_a_changed_file_of_the_sae_is_seen_at_once(root):
    assert remembered.find_sae(root, SAE_ID).k is not None
    path = root / "saes" / SAE_ID / "cfg.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "architecture": "unheard-of"}))
    with pytest.raises(CatalogueError, match="unheard-of"):
        remembered.find_sae(root, SAE_ID)


def test_a_changed_file_of_its_model_is_seen_at_once(root):
    model = remembered.find_sae(root, SAE_ID).model_id
    path = root / "lm" / model / "config.json"
    path.write_text(path.read_text().replace("model_type", "was_type"))
    with pytest.raises(CatalogueError, match="is of type None"):
        remembered.find_sae(root, SAE_ID)


def test_what_is_gone_is_unknown(root):
    remembered.find_sae(root, SAE_ID)
    shutil.rmtree(root / "saes" / SAE_ID)
    with pytest.raises(UnknownSae):
        remembered.find_sae(root, SAE_ID)
