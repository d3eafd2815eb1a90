import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from reference_app.agent.errors import ItemError
from reference_app.agent.media import SIDE, thumbnail


def png(width=40, height=30):
    file = io.BytesIO()
    Image.new("RGB", (width, height), "navy").save(file, "PNG")
    return file.getvalue()


def test_a_large_image_becomes_small_and_keeps_its_shape():
    picture = thumbnail(png(1600, 400))
    assert (picture.width, picture.height) == (SIDE, SIDE // 4)
    with Image.open(io.BytesIO(picture.data)) as image:
        assert image.size == (SIDE, SIDE // 4)
        assert image.getpixel((5, 5)) == (0, 0, 128)


def test_the_same_image_gives_the_same_bytes():
    assert thumbnail(png()) == thumbnail(png())


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("JPEG", "RGB"), ("GIF", "P"), ("WEBP", "RGBA"), ("PNG", "I;16"), ("PNG", "1")],
)
def test_common_kinds_of_images_are_shown(kind, mode):
    file = io.BytesIO()
    Image.new(mode, (20, 10)).save(file, kind)
    assert thumbnail(file.getvalue()).width == 20


def test_an_image_is_turned_upright():
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (20, 10)).save(file, "JPEG", exif=exif)
    assert thumbnail(file.getvalue()).width == 10


def _bomb(width, height):
    """A PNG of a few bytes that says that it is huge."""

    def chunk(name, data):
        sum_ = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + sum_

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\x00" * 1000))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(6000, 5000), (20_000, 20_000), (2**31 - 1, 9)])
def test_a_bomb_is_not_opened(size):
    with pytest.raises(ItemError):
        thumbnail(_bomb(*size))


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", b"<svg/>", png()[:60], png()[:-9], _bomb(30, 30)]
)
def test_what_is_no_image_is_told(data):
    with pytest.raises(ItemError, match="no image"):
        thumbnail(data)


@given(st.integers(0, len(png()) - 1), st.integers(1, 255))
def test_a_damaged_image_is_shown_or_told(place, change):
    data = bytearray(png())
    data[place] ^= change
    try:
        thumbnail(bytes(data))
    except ItemError:
        return
