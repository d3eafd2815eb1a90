"""How far a feature moves the model towards a topic: the measured effect of steering.

Teacher-forced: the mean probability the model gives to the topic's words, over held-out
text, with no sampling noise. Sampled: the share of the topic's words in generated text.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch

from reference_app.steering.decode import decode_rows
from reference_app.steering.model import LanguageModel
from reference_app.steering.stories import TOPICS, stories

#: Strengths at which the catalogue states the mass; steering is judged up to 1.
STRENGTHS = (-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.5)
#: A start that names no topic.
NEUTRAL_PROMPT = "one morning , the"
#: Temperature of the sampled share: what a request has when it names none.
TEMPERATURE = 0.8
#: Rows and tokens per row of the sampled share.
SHARE_ROWS, SHARE_TOKENS = 64, 40


def token_stream(lm: LanguageModel, texts: Sequence[str]) -> torch.Tensor:
    """All texts in one row of token ids, each after the start token."""
    ids: list[int] = []
    for text in texts:
        ids += lm.encode(text, prepend_bos=True)
    return torch.tensor(ids)


def held_out(
    lm: LanguageModel, *, windows: int, length: int = 64, seed: int = 999
) -> torch.Tensor:
    """Return [windows, length] token ids of stories that training has not seen."""
    stream = token_stream(lm, stories(windows * length // 24, seed))
    return stream[: windows * length].view(windows, length)


def topic_words(lm: LanguageModel) -> torch.Tensor:
    """Return [topics, vocabulary]: 1 where a token is a word of the topic."""
    table = torch.zeros(len(TOPICS), len(lm.tokenizer))
    for row, topic in enumerate(TOPICS.values()):
        table[row, lm.tokenizer.convert_tokens_to_ids(sorted(topic.words))] = 1.0
    return table


def topic_mass(
    lm: LanguageModel, layer: int, windows: torch.Tensor, vector: torch.Tensor
) -> torch.Tensor:
    """Return [topics]: mean probability of the topic's words, steered by `vector`."""
    with torch.inference_mode(), lm.hooked(layer, lambda hidden: hidden + vector):
        probabilities = lm.network(input_ids=windows, use_cache=False).logits.softmax(
            -1
        )
        return probabilities.mean(dim=(0, 1)) @ topic_words(lm).T


def is_rising(masses: Sequence[float]) -> bool:
    """Say whether each value is larger than the one before."""
    return all(low < high for low, high in pairwise(masses))


def sampled_share(
    lm: LanguageModel, layer: int, vector: torch.Tensor, *, seed: int
) -> torch.Tensor:
    """Return [topics]: share of the topic's words in 64 sampled rows of 40 tokens."""
    tokens = decode_rows(
        lm,
        layer,
        lm.encode(NEUTRAL_PROMPT, prepend_bos=True),
        vector.expand(SHARE_ROWS, -1),
        range(SHARE_ROWS),
        max_new_tokens=SHARE_TOKENS,
        temperature=TEMPERATURE,
        seed=seed,
    )
    counts = torch.bincount(tokens.flatten(), minlength=len(lm.tokenizer)).float()
    return topic_words(lm) @ counts / tokens.numel()
