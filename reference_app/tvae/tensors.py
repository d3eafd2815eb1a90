"""Named tensors and one JSON object in one safetensors file; no pickle."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from reference_app.tvae.files import replacing

#: The safetensors header holds words only: all of the JSON is one of them.
_ABOUT = "about"


def write(path: Path, tensors: dict[str, torch.Tensor], about: dict[str, Any]) -> None:
    """Write the file; an existing one is replaced."""
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata={_ABOUT: json.dumps(about)})


def read(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Return the tensors and the JSON object.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, or nobody here wrote it.
    """
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})[_ABOUT])
            names = file.keys()
            return {name: file.get_tensor(name) for name in names}, about
    except FileNotFoundError:
        raise
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise ValueError(f"{path} cannot be read: {error!r}") from None
