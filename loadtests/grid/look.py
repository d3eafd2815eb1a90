"""How the pictures look, and what one is."""

import io
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.figure import Figure
from PIL import Image

INK, MUTED, FAINT = "#1b1f24", "#5b6570", "#dfe3e8"

#: Colours that people tell apart whatever they see (Okabe and Ito, without the yellow
#: that vanishes on white), and marks for print without colours.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
MARKS = ("o", "s", "^", "D", "v", "P")

#: What a slot's time goes to: as long as asked, longer, no job in it.
ASKED, LONGER, BETWEEN = "#0072b2", "#d55e00", "#b6c0ca"

#: Columns of a grid from which on a row of small fields needs the whole width.
MANY = 4

#: Inches; two pictures stand side by side on the page, or a wide one alone.
WIDTH, WIDE = 6.6, 13.4

#: Letters of the second line that fit into an inch.
PER_INCH = 15.5

#: Colours of a picture, the shades of its letters among them.
PALETTE = 128

_BLANK = "\N{NO-BREAK SPACE}"

_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "text.parse_math": False,  # a name may hold a dollar
    "axes.labelcolor": MUTED,
    "axes.edgecolor": "#c9d0d8",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "legend.frameon": False,
    "savefig.dpi": 160,
}


@dataclass(frozen=True)
class Picture:
    """A drawn picture."""

    name: str  #: of its file, without ending
    reading: str  #: a sentence on how to read it
    alt: str  #: what it shows, for those who do not see it
    png: bytes
    wide: bool = False


@contextmanager
def style() -> Iterator[None]:
    """Draw in the house's style inside the block."""
    with mpl.rc_context(_STYLE):
        yield


def figure(title: str, below: str, width: float, height: float) -> Figure:
    """Return an empty figure with a title, a second line, and that room in inches."""
    # A line ends between two settings, not inside one.
    parts = [part.replace(" ", _BLANK) for part in below.split(" · ")]
    whole = f"{_BLANK}· ".join(parts)
    lines = textwrap.wrap(whole, int(width * PER_INCH), break_on_hyphens=False)
    top = 0.48 + 0.19 * len(lines)
    made = Figure(figsize=(width, height + top), layout="constrained")
    total = height + top
    # The layout leaves the top free: a title of two sizes is placed by hand.
    made.get_layout_engine().set(rect=(0.008, 0.012, 0.984, height / total - 0.012))
    at = {"x": 0.016, "ha": "left", "va": "baseline"}
    made.text(y=1 - 0.3 / total, s=title, fontsize=13, weight="bold", **at)
    for number, line in enumerate(lines):
        y = 1 - (0.51 + 0.19 * number) / total
        made.text(y=y, s=line, fontsize=9, color=MUTED, **at)
    return made


def png(made: Figure) -> bytes:
    """Return a figure as the bytes of a PNG, of few colours: a third of the size."""
    drawn, small = io.BytesIO(), io.BytesIO()
    made.savefig(drawn, format="png")
    with Image.open(drawn) as image:
        image.convert("RGB").quantize(PALETTE).save(small, "PNG", optimize=True)
    return small.getvalue()
