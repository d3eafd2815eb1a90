import json
import struct

import pytest

from reference_app.steering.errors import DamagedFile
from reference_app.steering.weights import model_shapes, read_json, tensor_shapes


def test_shapes_come_from_the_header(lm_folder):
    assert tensor_shapes(lm_folder / "model.safetensors")["transformer.wte.weight"] == (
        206,
        96,
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"short",
        b"version https://git-lfs.github.com/spec/v1",
        struct.pack("<Q", 2**60),
        struct.pack("<Q", 4) + b"null",
        struct.pack("<Q", 20) + b'{"a": {"shape": "no"}',
    ],
)
def test_what_is_no_safetensors_file_is_refused(tmp_path, content):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(DamagedFile, match=r"not a safetensors file .* Copy it again"):
        tensor_shapes(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DamagedFile, match=r"'model\.safetensors' is missing"):
        tensor_shapes(tmp_path / "model.safetensors")
    with pytest.raises(DamagedFile, match=r"'cfg\.json' is missing"):
        read_json(tmp_path / "cfg.json")


def test_a_model_without_weights_is_refused(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(DamagedFile, match=r"holds no \.safetensors file"):
        model_shapes(tmp_path)


@pytest.mark.parametrize("content", ["{", "[1]"])
def test_a_config_that_is_no_json_object_is_refused(tmp_path, content):
    (tmp_path / "cfg.json").write_text(content)
    with pytest.raises(DamagedFile, match=r"JSON"):
        read_json(tmp_path / "cfg.json")


def test_shards_are_read_together(tmp_path):
    for number, name in enumerate(["a", "b"]):
        entry = {"dtype": "F32", "shape": [number], "data_offsets": [0, 0]}
        header = json.dumps({name: entry}).encode()
        path = tmp_path / f"model-{number}.safetensors"
        path.write_bytes(struct.pack("<Q", len(header)) + header)
    assert model_shapes(tmp_path) == {"a": (0,), "b": (1,)}
