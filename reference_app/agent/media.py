"""Images of a note, as small as a page wants them.

Promise: the same image gives the same bytes; no image, whatever is in it, takes more
memory than one of MAX_PIXELS. Raises ItemError for what is no such image.
"""

import io
import struct
import warnings
import zlib
from dataclasses import dataclass

from PIL import Image, ImageOps

from reference_app.agent.errors import ItemError

MAX_IMAGE_BYTES = 8 * 1024 * 1024
#: 24 megapixels are what a telephone takes; 4 bytes each.
MAX_PIXELS = 24_000_000
#: Pixels of the longer side on a page.
SIDE = 640

#: Only what people keep notes with: each further format is further code that reads
#: what strangers made.
FORMATS = ("PNG", "JPEG", "GIF", "WEBP")

#: What Pillow raises on broken files, as its sources and its fuzzers show.
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    AttributeError,
    OverflowError,
    NotImplementedError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Warning,
)


@dataclass(frozen=True)
class Picture:
    """An image to be shown: PNG, and its size in pixels."""

    data: bytes
    width: int
    height: int


def thumbnail(data: bytes) -> Picture:
    """Return an image, upright, not larger than SIDE on either side, as PNG."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return _thumbnail(data)
    except ItemError:
        raise
    except _BROKEN:
        raise ItemError("is no image that can be read") from None


def _thumbnail(data: bytes) -> Picture:
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise ItemError(f"has {width} x {height} pixels, too many")
        image.verify()
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:  # verify spent it
        image.draft("RGB", (2 * SIDE, 2 * SIDE))  # a JPEG need not be read whole
        # An animation's first frame, upright; colours and transparency, nothing else.
        upright = ImageOps.exif_transpose(image)
        clear = upright.has_transparency_data
        small = upright.convert("RGBA" if clear else "RGB")
    small.thumbnail((SIDE, SIDE))
    small.info.clear()
    file = io.BytesIO()
    small.save(file, "PNG")
    return Picture(file.getvalue(), *small.size)
