"""`model.json`: what a machine's trained model is; read without torch."""

import json
from pathlib import Path
from typing import Any

from reference_app.tvae.errors import NoModel

NAME = "model.json"


def read(folder: Path) -> dict[str, Any]:
    """Return the description of the model in `folder`.

    Raises:
        NoModel: there is none, or it is damaged.
    """
    path = folder / NAME
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NoModel(f"{folder} holds no trained model. Train one first.") from None
    except (OSError, ValueError) as error:
        raise NoModel(f"{path} is damaged ({error}). Train the model again.") from None
    if not isinstance(about, dict):
        raise NoModel(f"{path} is damaged (no JSON object). Train the model again.")
    return about
