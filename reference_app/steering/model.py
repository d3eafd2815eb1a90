"""A local Hugging Face causal language model, and a place to hook its layers.

Promise: loads any folder the catalogue accepts, from disk only, from safetensors only,
without running code of the folder. `release()` gives the weights' memory back even
while a traceback or a caller still holds the objects.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch

from reference_app.steering.catalogue import FAMILIES, ModelEntry

LayerHook = Callable[[torch.Tensor], torch.Tensor | None]


@dataclass
class LanguageModel:
    """A loaded model in evaluation mode, with its tokenizer."""

    entry: ModelEntry
    network: Any  #: the transformers model
    tokenizer: Any

    @property
    def layers(self) -> Any:
        """The decoder layers, in order."""
        path = FAMILIES[self.entry.family]
        return reduce(getattr, path.split("."), self.network)

    def encode(self, text: str, *, prepend_bos: bool) -> list[int]:
        """Token ids of `text`, after the start token where the model has one."""
        ids = list(self.tokenizer.encode(text, add_special_tokens=False))
        bos = self.tokenizer.bos_token_id
        return [bos, *ids] if prepend_bos and bos is not None else ids

    def decode(self, ids: list[int]) -> str:
        """Text of `ids`."""
        return str(self.tokenizer.decode(ids, skip_special_tokens=True)).strip()

    @contextmanager
    def hooked(self, layer: int, hook: LayerHook) -> Iterator[None]:
        """Let `hook` see, and replace unless it returns None, the output of a layer.

        The hook is gone afterwards, whatever happened inside.
        """

        def on_output(_module: Any, _inputs: Any, output: Any) -> Any:
            # A layer returns a tensor, or a tuple that begins with it (by version).
            hidden = output[0] if isinstance(output, tuple) else output
            changed = hook(hidden)
            if changed is None:
                return None
            return (changed, *output[1:]) if isinstance(output, tuple) else changed

        handle = self.layers[layer].register_forward_hook(on_output)
        try:
            yield
        finally:
            handle.remove()

    def release(self) -> None:
        """Drop the weights; the model is of no use afterwards."""
        for tensor in [*self.network.parameters(), *self.network.buffers()]:
            tensor.data = torch.empty(0)


def import_transformers() -> Any:
    """Return transformers, imported with its way to the network shut."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TRANSFORMERS_OFFLINE"] = "1"
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import transformers

    transformers.utils.logging.disable_progress_bar()
    return transformers


def load_model(entry: ModelEntry, dtype: torch.dtype = torch.float32) -> LanguageModel:
    """Load the model of a catalogue entry into memory, on the CPU."""
    transformers = import_transformers()
    options = {"local_files_only": True, "trust_remote_code": False}
    network = transformers.AutoModelForCausalLM.from_pretrained(
        entry.path, use_safetensors=True, dtype=dtype, **options
    )
    tokenizer = transformers.AutoTokenizer.from_pretrained(entry.path, **options)
    return LanguageModel(entry, network.eval().requires_grad_(False), tokenizer)
