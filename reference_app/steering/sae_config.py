"""Reads the settings of one SAE folder: `cfg.json` (SAELens) and our `features.json`.

Promise: what is returned can be loaded, or a CatalogueError names the value found and
the remedy. Accepts SAELens' nested form (`metadata`) and its older flat one; no torch.
"""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reference_app.steering.errors import (
    Contradiction,
    DamagedFile,
    UnsupportedArchitecture,
    WidthMismatch,
)
from reference_app.steering.weights import read_json, tensor_shapes

SAE_ARCHITECTURES = ("standard", "topk", "jumprelu")
_HOOK = re.compile(r"blocks\.(\d+)\.hook_resid_(pre|post)")


def first_int(config: Mapping[str, Any], path: Path, *names: str) -> int:
    """Return the first of these settings that is there, as a positive integer."""
    for name in names:
        value = config.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    raise DamagedFile(
        f"The config in {str(path)!r} has no positive {' or '.join(names)}. Copy the "
        "folder again."
    )


def read_architecture(sae_id: str, config: Mapping[str, Any]) -> tuple[str, int | None]:
    """Return the architecture and, for topk, how many features may be active."""
    name = config.get("architecture", "standard")
    k = config.get("k")
    if name == "standard" and config.get("activation_fn_str") == "topk":
        # SAELens before its sixth version wrote TopK SAEs this way.
        name, k = "topk", (config.get("activation_fn_kwargs") or {}).get("k")
    if name not in SAE_ARCHITECTURES:
        raise UnsupportedArchitecture(
            f"SAE {sae_id!r} has architecture {name!r}; supported are "
            f"{', '.join(SAE_ARCHITECTURES)}. Convert it or choose another SAE."
        )
    if name == "topk" and not (isinstance(k, int) and k > 0):
        raise DamagedFile(f"SAE {sae_id!r} is topk with k={k!r}. Put k into cfg.json.")
    for option in ("normalize_activations", "reshape_activations"):
        value = config.get(option) or "none"
        if value != "none":
            raise UnsupportedArchitecture(
                f"SAE {sae_id!r} needs {option}={value!r}; only 'none' is supported. "
                "Fold it into the weights first (SAELens has functions for that)."
            )
    return name, k if name == "topk" else None


def read_layer(sae_id: str, config: Mapping[str, Any]) -> int:
    """Return the decoder layer whose output the SAE reads, from its hook name."""
    hook_name = str(config.get("hook_name"))
    match = _HOOK.fullmatch(hook_name)
    layer = -1 if match is None else int(match[1]) - (match[2] == "pre")
    if match is None or layer < 0:
        raise UnsupportedArchitecture(
            f"SAE {sae_id!r} hooks {hook_name!r}; supported is the output of a layer, "
            "'blocks.N.hook_resid_post' (or 'hook_resid_pre' of a later one)."
        )
    stated = config.get("hook_layer")
    if stated is not None and stated != int(match[1]):
        raise Contradiction(
            f"SAE {sae_id!r}: cfg.json says hook_layer={stated!r}, but hook_name="
            f"{hook_name!r}. Correct one of them."
        )
    return layer


def check_shapes(
    sae_id: str, path: Path, architecture: str, d_in: int, d_sae: int
) -> None:
    """WidthMismatch unless the weight file has the shapes that cfg.json promises."""
    expected = {
        "W_enc": (d_in, d_sae),
        "b_enc": (d_sae,),
        "W_dec": (d_sae, d_in),
        "b_dec": (d_in,),
    }
    if architecture == "jumprelu":
        expected["threshold"] = (d_sae,)
    found = tensor_shapes(path / "sae_weights.safetensors")
    for name, shape in expected.items():
        if found.get(name) != shape:
            actual = list(found[name]) if name in found else "missing"
            raise WidthMismatch(
                f"SAE {sae_id!r}: cfg.json promises {name} {list(shape)}, but the "
                f"weights have {actual}. Config and weights are of two SAEs."
            )


def read_features(
    path: Path, d_sae: int
) -> tuple[tuple[Mapping[str, Any], ...], tuple[float, ...] | None]:
    """Return the catalogued features and the unit of strength of every feature."""
    if not (path / "features.json").is_file():
        return (), None
    catalogue = read_json(path / "features.json")
    features = tuple(catalogue.get("features", ()))
    units = tuple(float(value) for value in catalogue.get("max_activations", ()))
    if len(units) != d_sae or not all(math.isfinite(u) and u >= 0 for u in units):
        raise DamagedFile(
            f"{str(path / 'features.json')!r} has {len(units)} max_activations, "
            f"expected {d_sae} finite numbers >= 0. Make it again with the recipe."
        )
    for feature in features:
        if not 0 <= feature.get("feature_idx", -1) < d_sae:
            raise DamagedFile(
                f"{str(path / 'features.json')!r} lists feature "
                f"{feature.get('feature_idx')!r}, but the SAE has 0..{d_sae - 1}."
            )
    return features, units
