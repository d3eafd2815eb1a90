"""The trained model of a machine on disk: `model.json` and the weights that it names.

Weights are written first, under a name of their own; the rename of `model.json` makes
them the machine's model. Who reads sees one whole model, the old one or the new one.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reference_app.tvae import description, tensors
from reference_app.tvae.errors import NoModel
from reference_app.tvae.files import write_json
from reference_app.tvae.model import Tvae
from reference_app.tvae.training import Training
from reference_app.tvae.transform import Transform


def save(
    folder: Path, name: str, training: Training, about: Mapping[str, Any]
) -> dict[str, Any]:
    """Make a trained network the model in `folder`; return what `model.json` says.

    Args:
        folder: of the machine's model; made if it is not there.
        name: of this model, used once: the id of its job.
        training: whose network and transform are saved.
        about: further facts, JSON values.
    """
    weights = folder / f"{name}.safetensors"
    tensors.write(weights, training.model.state_dict(), {"job_id": name})
    previous = _weights_of(folder)
    written = {
        "job_id": name,
        **about,
        "epochs": training.recipe.epochs,
        "seed": training.recipe.seed,
        "batch": training.recipe.batch,
        "latent": training.model.latent,
        "hidden": training.model.hidden,
        "columns": training.transform.to_json(),
        "losses": training.losses,
        "weights": weights.name,
    }
    write_json(folder / description.NAME, written)
    for other in folder.glob("*.safetensors"):
        # Who has just read the previous `model.json` still opens its weights.
        if other.name not in (weights.name, previous):
            other.unlink(missing_ok=True)
    return written


def load(folder: Path) -> tuple[Tvae, Transform, dict[str, Any]]:
    """Return the network, its transform, and what `model.json` says.

    Raises:
        NoModel: there is none, or it is damaged.
    """
    about = description.read(folder)
    try:
        transform = Transform.from_json(about["columns"])
        model = Tvae(transform.spans, about["latent"], about["hidden"])
        weights, _ = tensors.read(folder / about["weights"])
        model.load_state_dict(weights)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise NoModel(
            f"{folder} holds a damaged model ({error}). Train it again."
        ) from None
    return model.eval(), transform, about


def _weights_of(folder: Path) -> str | None:
    try:
        return description.read(folder).get("weights")
    except NoModel:
        return None  # none before, or a damaged one, about to be replaced
