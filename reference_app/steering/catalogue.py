"""Which language models and SAEs there are, and whether they can be used.

Promise: `find_sae` returns an entry that will load, or raises a CatalogueError that
names the value found and the remedy. Reads configs and safetensors headers only; never
imports torch, so the API can use it.

Layout: `<models>/lm/<model_id>/` is a Hugging Face folder, `<models>/saes/<sae_id>/` a
SAELens folder, with `features.json` (labels, activations, strengths) as our extra.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reference_app.steering.errors import (
    CatalogueError,
    Contradiction,
    UnknownModel,
    UnknownSae,
    UnsupportedArchitecture,
    WidthMismatch,
)
from reference_app.steering.sae_config import (
    check_shapes,
    first_int,
    read_architecture,
    read_features,
    read_layer,
)
from reference_app.steering.weights import (
    folder_inside,
    model_shapes,
    read_json,
    refuse_pickle,
)

#: Where the list of decoder layers hangs, by `model_type` of config.json.
FAMILIES = {
    "gpt2": "transformer.h",
    "gptj": "transformer.h",
    "gpt_neo": "transformer.h",
    "bloom": "transformer.h",
    "gpt_neox": "gpt_neox.layers",
    "opt": "model.decoder.layers",
    **dict.fromkeys(
        ("llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3_text"),
        "model.layers",
    ),
    **dict.fromkeys(
        ("phi", "phi3", "olmo", "olmo2", "smollm3", "stablelm"), "model.layers"
    ),
}
#: Request fields that repeat what the files say, and the entry's attribute for each.
CLAIMS = {
    "model_id": "model_id",
    "sae_layer": "layer",
    "sae_d_model": "d_in",
    "sae_n_features": "d_sae",
    "sae_architecture": "architecture",
}
_EMBEDDINGS = ("wte.weight", "embed_tokens.weight", "embed_in.weight")


@dataclass(frozen=True)
class ModelEntry:
    """A language model on disk; `width` is the size of its residual stream."""

    model_id: str
    path: Path
    family: str
    width: int
    layers: int
    context: int | None  #: positions; None when the architecture sets no limit


@dataclass(frozen=True)
class SaeEntry:
    """An SAE on disk and the model it belongs to; `layer` counts from 0."""

    sae_id: str
    path: Path
    model: ModelEntry
    architecture: str
    d_in: int
    d_sae: int
    layer: int
    hook_name: str
    k: int | None
    prepend_bos: bool
    apply_b_dec_to_input: bool
    rescale_acts_by_decoder_norm: bool
    features: tuple[Mapping[str, Any], ...]
    #: Largest activation of every feature; None: strengths are raw coefficients.
    max_activations: tuple[float, ...] | None

    @property
    def model_id(self) -> str:
        """Id of the language model."""
        return self.model.model_id

    @property
    def strength_unit(self) -> str:
        """What strength 1 means: the feature's largest activation, or 1.0."""
        return "raw" if self.max_activations is None else "max_activation"

    def unit(self, feature_idx: int) -> float:
        """Coefficient of strength 1; ValueError when there is no such feature."""
        if not 0 <= feature_idx < self.d_sae:
            raise ValueError(
                f"feature_idx {feature_idx} is outside 0..{self.d_sae - 1}, the "
                f"features of SAE {self.sae_id!r}. Choose one of its catalogue."
            )
        return (
            1.0 if self.max_activations is None else self.max_activations[feature_idx]
        )

    def label(self, feature_idx: int) -> str | None:
        """Return the catalogued label of a feature, if it has one."""
        for feature in self.features:
            if feature["feature_idx"] == feature_idx:
                return str(feature["label"])
        return None

    def describe(self) -> dict[str, Any]:
        """Return the entry as JSON, without paths."""
        return {
            "sae_id": self.sae_id,
            "model_id": self.model_id,
            "architecture": self.architecture,
            "layer": self.layer,
            "hook_name": self.hook_name,
            "d_in": self.d_in,
            "d_sae": self.d_sae,
            "context": self.model.context,
            "strength_unit": self.strength_unit,
            "features": [dict(feature) for feature in self.features],
        }


def models_root() -> Path:
    """Return the models folder: MODELS_DIR, or the one in this package."""
    return Path(os.environ.get("MODELS_DIR") or Path(__file__).parent / "models")


def find_model(root: Path, model_id: str) -> ModelEntry:
    """Return the language model of this id; raises CatalogueError."""
    path = folder_inside(root, "lm", model_id)
    if not (path / "config.json").is_file():
        raise UnknownModel(
            f"There is no language model {model_id!r} under {str(root / 'lm')!r}. Put "
            "its Hugging Face folder (config.json, *.safetensors, tokenizer) there."
        )
    config = read_json(path / "config.json")
    family = config.get("model_type")
    if family not in FAMILIES:
        raise UnsupportedArchitecture(
            f"Model {model_id!r} is of type {family!r}; supported are "
            f"{', '.join(sorted(FAMILIES))}. Add its layer list to catalogue.FAMILIES."
        )
    entry = ModelEntry(
        model_id=model_id,
        path=path,
        family=family,
        width=first_int(config, path, "hidden_size", "n_embd"),
        layers=first_int(config, path, "num_hidden_layers", "n_layer", "num_layers"),
        context=config.get("max_position_embeddings", config.get("n_positions")),
    )
    for name, shape in model_shapes(path).items():
        if name.endswith(_EMBEDDINGS) and shape[-1] != entry.width:
            raise WidthMismatch(
                f"Model {model_id!r}: config.json says width {entry.width}, but tensor "
                f"{name!r} is {list(shape)}. Config and weights are of two models."
            )
    return entry


def find_sae(root: Path, sae_id: str) -> SaeEntry:
    """Return the SAE of this id, checked against its model; raises CatalogueError."""
    path = folder_inside(root, "saes", sae_id)
    if not path.is_dir():
        raise UnknownSae(
            f"There is no SAE {sae_id!r} under {str(root / 'saes')!r}. Known: "
            f"{', '.join(_ids(root / 'saes', 'cfg.json')) or 'none'}."
        )
    for file in sorted(path.iterdir()):
        refuse_pickle(file)
    config = read_json(path / "cfg.json")
    config = {**config, **(config.get("metadata") or {})}
    architecture, k = read_architecture(sae_id, config)
    layer = read_layer(sae_id, config)
    model = find_model(root, str(config.get("model_name")))
    if layer >= model.layers:
        raise Contradiction(
            f"SAE {sae_id!r} hooks layer {layer} ({config['hook_name']!r}), but model "
            f"{model.model_id!r} has layers 0..{model.layers - 1}. Correct model_name."
        )
    d_in = first_int(config, path, "d_in")
    d_sae = first_int(config, path, "d_sae")
    check_shapes(sae_id, path, architecture, d_in, d_sae)
    if d_in != model.width:
        raise WidthMismatch(
            f"SAE {sae_id!r} reads {d_in} numbers per token, but model "
            f"{model.model_id!r} has width {model.width}. Use the SAE of this model."
        )
    features, max_activations = read_features(path, d_sae)
    return SaeEntry(
        sae_id=sae_id,
        path=path,
        model=model,
        architecture=architecture,
        d_in=d_in,
        d_sae=d_sae,
        layer=layer,
        hook_name=config["hook_name"],
        k=k,
        prepend_bos=bool(config.get("prepend_bos", True)),
        apply_b_dec_to_input=bool(config.get("apply_b_dec_to_input", True)),
        rescale_acts_by_decoder_norm=bool(config.get("rescale_acts_by_decoder_norm")),
        features=features,
        max_activations=max_activations,
    )


def find_requested(root: Path, request: Mapping[str, Any]) -> SaeEntry:
    """Return the SAE a request names; Contradiction when it claims what is not so."""
    entry = find_sae(root, request["sae_id"])
    check_claims(entry, request)
    return entry


def check_claims(entry: SaeEntry, request: Mapping[str, Any]) -> None:
    """Contradiction when a request claims of its SAE what is not so."""
    for field, attribute in CLAIMS.items():
        claimed, found = request.get(field), getattr(entry, attribute)
        if claimed is not None and claimed != found:
            raise Contradiction(
                f"The request says {field}={claimed!r}, but the files of SAE "
                f"{entry.sae_id!r} say {found!r}. Leave {field} out or correct it."
            )


def listing(root: Path) -> dict[str, Any]:
    """Every model and SAE as JSON; what cannot be used is listed with the reason."""
    result: dict[str, Any] = {"models": [], "saes": [], "unusable": []}
    for model_id in _ids(root / "lm", "config.json"):
        try:
            model = find_model(root, model_id)
        except CatalogueError as error:
            result["unusable"].append({"id": model_id, "error": str(error)})
        else:
            result["models"].append(
                {
                    "model_id": model.model_id,
                    "family": model.family,
                    "width": model.width,
                    "layers": model.layers,
                    "context": model.context,
                }
            )
    for sae_id in _ids(root / "saes", "cfg.json"):
        try:
            result["saes"].append(find_sae(root, sae_id).describe())
        except CatalogueError as error:
            result["unusable"].append({"id": sae_id, "error": str(error)})
    return result


def _ids(folder: Path, config_name: str) -> list[str]:
    """Return the folders with a config, one or two levels deep: name, org/name."""
    found = [*folder.glob(f"*/{config_name}"), *folder.glob(f"*/*/{config_name}")]
    return sorted(path.parent.relative_to(folder).as_posix() for path in found)
