"""What the seconds of a slot go to, for each job: the reason of an efficiency."""

from collections.abc import Sequence

from loadtests.grid.look import (
    ASKED,
    BETWEEN,
    LONGER,
    MANY,
    WIDE,
    WIDTH,
    Picture,
    figure,
    png,
)
from loadtests.grid.summary import Summary
from loadtests.grid.words import number, place, title

#: Parts of a bar: name, colour, what it is.
PARTS = {
    "asked": (ASKED, "what the job was asked to take"),
    "longer": (LONGER, "what it took longer"),
    "between": (BETWEEN, "no job in the slot"),
}


def parts(cell: Summary) -> dict[str, float]:
    """Return the seconds of a slot per job, by name of the part, none negative."""
    service_s, asked_s = cell.service_s.median, cell.asked_s
    return {
        "asked": min(asked_s, service_s),
        "longer": max(0.0, service_s - asked_s),
        "between": max(0.0, cell.between_s.median) if cell.between_s else 0.0,
    }


def slot_time(cells: Sequence[Summary], name: str) -> Picture:
    """Draw a bar for each cell of a series, the fewest slots on top."""
    wide = len({cell.concurrency for cell in cells}) > MANY
    heading = "Where a slot's time goes, seconds per job"
    height = max(2.0, 0.4 + 0.3 * len(cells)) + 0.7
    made = figure(heading, title(cells[0].series), WIDE if wide else WIDTH, height)
    axes = made.subplots()
    told = [place(cell.replicas, cell.concurrency) for cell in cells]
    seconds = [parts(cell) for cell in cells]
    total = [sum(each.values()) for each in seconds]
    thick = min(0.66, 0.1 + 0.22 * len(cells))  # few bars do not fill the height
    left = [0.0] * len(cells)
    for part, (color, meaning) in PARTS.items():
        width = [each[part] for each in seconds]
        axes.barh(range(len(cells)), width, thick, left, color=color, label=meaning)
        left = [at + more for at, more in zip(left, width, strict=True)]
    for row, length in enumerate(total):
        axes.annotate(
            number(length),
            (length, row),
            textcoords="offset points",
            xytext=(5, 0),
            va="center",
            fontsize=9,
        )
    axes.set_yticks(range(len(cells)), told)
    axes.set_ylim(len(cells) - 0.4, -0.6)
    axes.set_xlim(0, 1.1 * max(total) or 1)  # room for the number at the longest
    axes.set_ylabel("replicas x concurrency")
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    made.legend(loc="outside lower left", fontsize=9, ncols=3, columnspacing=1.4)
    return Picture(
        name,
        "A bar of blue alone would be the ideal. Orange grows where jobs share too few "
        "processors, grey where a slot waits: for the next message, or for work.",
        f"Seconds of a slot per job: {number(min(total))} to {number(max(total))}.",
        png(made),
        wide,
    )
