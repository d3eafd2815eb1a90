"""Texts that a local language model writes to notes, for whoever asks for them.

Promise: the same note, model and number of tokens give the same text, whatever was
written before it. The model is loaded when the first text is wanted, inside `device()`,
once; at the end of the `with` its memory is given back and then the device, however it
ends. A text is no part of the note: nothing is searched, quoted or compared in it.

Raises NoModel when none can be used; whatever `check()`, asked after each token, and
`device()` raise passes through.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from reference_app.agent.errors import NoModel
from reference_app.agent.notes import Note
from reference_app.agent.text import clean, words
from reference_app.steering.catalogue import ModelEntry, find_model, listing

if TYPE_CHECKING:  # it imports torch, and so does steering.decode
    from reference_app.steering.model import LanguageModel

Device = Callable[[], AbstractContextManager[None]]

#: As steering's: below it texts repeat themselves, above it they fall apart.
TEMPERATURE = 0.8

#: Of the model's context at least one part in so many is the note's.
NOTES_SHARE = 8


class TextModel:
    """A language model that is there from the first text to the end of the `with`.

    Args:
        entry: which model.
        tokens: of each text; fewer if the model's context has no room for them.
        drafts: of each text; the one that shares most words with its note is kept.
        device: what the model is loaded and used inside.
        check: asked after each token; raises to end it.
    """

    def __init__(
        self,
        entry: ModelEntry,
        tokens: int,
        drafts: int,
        device: Device,
        check: Callable[[], None],
    ) -> None:
        self._entry, self._device, self._check = entry, device, check
        self._tokens, self._drafts = tokens, drafts
        self._held = ExitStack()
        self._lm: LanguageModel | None = None

    def __enter__(self) -> "TextModel":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lm = None
        self._held.__exit__(kind, error, traceback)

    @property
    def made_from(self) -> list[Any]:
        """What texts depend on besides their notes."""
        return [self._entry.model_id, self._tokens, self._drafts]

    def write(self, note: Note, key: str) -> dict[str, Any]:
        """Return a text that goes on from a note's title and first sentence.

        Args:
            note: the note.
            key: what it was made from; another one is another text.
        """
        lm = self._lm or self._load()
        new = self._tokens
        if lm.entry.context is not None:
            room = max(1, lm.entry.context // NOTES_SHARE)
            new = max(1, min(new, lm.entry.context - room))
        drafts = self._write(lm, _prompt(lm, note, new), new, int(key, 16))
        about = {*words(" ".join([note.title, *note.sentences]))}
        shared = [len(about & {*words(draft)}) for draft in drafts]
        return {
            "text": drafts[shared.index(max(shared))],
            "model": lm.entry.model_id,
            "tokens": new,
        }

    def _write(
        self, lm: "LanguageModel", prompt: list[int], new: int, seed: int
    ) -> list[str]:
        import torch

        from reference_app.steering.decode import decode_rows
        from reference_app.steering.generate import MICRO_BATCH

        found = []
        for first in range(0, self._drafts, MICRO_BATCH):
            rows = range(first, min(first + MICRO_BATCH, self._drafts))
            made = decode_rows(
                lm,
                0,
                prompt,
                torch.zeros(len(rows), lm.entry.width),  # not steered
                rows,
                max_new_tokens=new,
                temperature=TEMPERATURE,
                seed=seed,
                on_token=lambda _: self._check(),
            )
            found += [clean(lm.decode(row.tolist())) for row in made]
        return found

    def _load(self) -> "LanguageModel":
        import torch

        from reference_app.steering.generate import preload
        from reference_app.steering.model import load_model

        preload()  # the imports take longest, and need no device
        torch.set_num_threads(1)  # before the first operation: see preload
        self._held.enter_context(self._device())
        lm = load_model(self._entry)
        self._held.callback(lm.release)
        self._lm = lm
        return lm


def find(
    models: Path, tokens: int, drafts: int, device: Device, check: Callable[[], None]
) -> TextModel:
    """Return the first model of the catalogue that can be used; loads nothing.

    Raises:
        NoModel: there is none.
    """
    found = listing(models)
    if not found["models"]:
        why = "".join(f" {each['error']}" for each in found["unusable"][:1])
        raise NoModel(
            f"No language model under {models / 'lm'} can be used to generate texts."
            f"{why} Put a Hugging Face folder (config.json, *.safetensors, tokenizer) "
            "there, name another place in MODELS_DIR, or leave generate_text off."
        )
    entry = find_model(models, found["models"][0]["model_id"])
    return TextModel(entry, tokens, drafts, device, check)


def _prompt(lm: "LanguageModel", note: Note, new: int) -> list[int]:
    """Return the tokens of a note's beginning, as many as leave room for `new` more."""
    said = " ".join([f"{note.title}.", *note.sentences[:1]])
    # A word that the model does not know tells it nothing.
    known = [
        token
        for token in lm.encode(said, prepend_bos=False)
        if token != lm.tokenizer.unk_token_id
    ]
    room = None if lm.entry.context is None else max(1, lm.entry.context - new)
    # Something must come first, also where no word is known and none begins a text.
    return [*lm.encode("", prepend_bos=True), *known][:room] or [0]
