"""A summary made of a note's own sentences; nothing is added."""

from collections.abc import Sequence

from reference_app.agent.embed import typical, weights

#: Sentences of a summary.
LENGTH = 3

#: Share of two sentences' likeness from which on one of them is enough.
ALIKE = 0.6

#: What a note says early is what it is about: so much more counts its first sentence.
FIRST = 0.15


def summarise(sentences: Sequence[str], length: int = LENGTH) -> list[str]:
    """Return the most typical sentences, no two alike, in the order of the note."""
    if len(sentences) <= 1:
        return list(sentences)
    weighed = weights(sentences)
    scores = typical(weighed)
    ranked = sorted(
        range(len(sentences)),
        key=lambda each: (-(float(scores[each]) + FIRST / (1 + each)), each),
    )
    chosen: list[int] = []
    for each in ranked:
        likeness = (weighed[chosen] @ weighed[each].T).toarray() if chosen else None
        if likeness is None or float(likeness.max()) < ALIKE:
            chosen.append(each)
        if len(chosen) == length:
            break
    return [sentences[each] for each in sorted(chosen)]
