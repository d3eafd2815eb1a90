"""A sparse autoencoder in SAELens format: `standard`, `topk` or `jumprelu`.

    a = activation((x - b_dec) @ W_enc + b_enc)        x' = a @ W_dec + b_dec

`b_dec` is subtracted only where cfg.json says `apply_b_dec_to_input`. TopK keeps the k
largest before its ReLU, JumpReLU what lies above `threshold`. Decoder rows are used as
they are stored: `strength * max_activation * row` does not depend on their length. With
`normalise_rows` (and always for `rescale_acts_by_decoder_norm`, whose definition it is)
they are brought to length 1 and the activations grow by the same factor.
"""

from dataclasses import dataclass

import torch
from safetensors.torch import load_file

from reference_app.steering.catalogue import SaeEntry
from reference_app.steering.errors import UnsupportedArchitecture


@dataclass
class Sae:
    """A loaded SAE; tensors are fp32 on the CPU."""

    architecture: str
    k: int | None
    apply_b_dec_to_input: bool
    W_enc: torch.Tensor  #: [d_in, d_sae]
    b_enc: torch.Tensor  #: [d_sae]
    W_dec: torch.Tensor  #: [d_sae, d_in]
    b_dec: torch.Tensor  #: [d_in]
    threshold: torch.Tensor | None = None  #: [d_sae], jumprelu only
    rows_normalised: bool = False

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Feature activations [..., d_sae] of residuals [..., d_in]."""
        x = x.float()
        if self.apply_b_dec_to_input:
            x = x - self.b_dec
        pre = x @ self.W_enc + self.b_enc
        if self.threshold is not None:
            return torch.relu(pre) * (pre > self.threshold)
        if self.k is None:
            return torch.relu(pre)
        values, indices = pre.topk(self.k, dim=-1)
        return torch.zeros_like(pre).scatter(-1, indices, torch.relu(values))

    def decode(self, activations: torch.Tensor) -> torch.Tensor:
        """Residuals that the SAE rebuilds from activations."""
        return activations @ self.W_dec + self.b_dec

    def normalise(self) -> None:
        """Bring decoder rows to length 1, with the encoder scaled to match."""
        norms = self.W_dec.norm(dim=1).clamp_min(1e-8)
        self.W_dec = self.W_dec / norms[:, None]
        self.W_enc, self.b_enc = self.W_enc * norms, self.b_enc * norms
        if self.threshold is not None:
            self.threshold = self.threshold * norms
        self.rows_normalised = True

    def release(self) -> None:
        """Drop the weights; the SAE is of no use afterwards."""
        for tensor in (self.W_enc, self.b_enc, self.W_dec, self.b_dec, self.threshold):
            if tensor is not None:
                tensor.data = torch.empty(0)


def load_sae(entry: SaeEntry, *, normalise_rows: bool = False) -> Sae:
    """Load the SAE of a catalogue entry; safetensors only, by the catalogue's check.

    Raises UnsupportedArchitecture when `normalise_rows` would change which features a
    topk SAE picks (it ranks activations before the rows' lengths count).
    """
    if normalise_rows and entry.k and not entry.rescale_acts_by_decoder_norm:
        raise UnsupportedArchitecture(
            f"SAE {entry.sae_id!r} is topk and ranks activations as they are stored; "
            "normalising its rows would change the ranking. Load it without."
        )
    stored = load_file(entry.path / "sae_weights.safetensors")
    tensors = {name: tensor.float() for name, tensor in stored.items()}
    sae = Sae(
        architecture=entry.architecture,
        k=entry.k,
        apply_b_dec_to_input=entry.apply_b_dec_to_input,
        W_enc=tensors["W_enc"],
        b_enc=tensors["b_enc"],
        W_dec=tensors["W_dec"],
        b_dec=tensors["b_dec"],
        threshold=(tensors["threshold"] if entry.architecture == "jumprelu" else None),
    )
    if normalise_rows or entry.rescale_acts_by_decoder_norm:
        sae.normalise()
    return sae
