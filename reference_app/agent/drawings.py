"""Draws the images of the bundled notes: `python -m reference_app.agent.drawings`."""

import math
from pathlib import Path

from PIL import Image, ImageDraw

NOTES = Path(__file__).parent / "notes"

SIZE = (480, 240)
PAPER, INK, SEA = "#fbfaf5", "#26323c", "#3b7ea1"
SUN, CRUST, FAINT = "#e8a33d", "#a8642a", "#c9d3d8"

Point = tuple[float, float]


def _spring_neap(draw: ImageDraw.ImageDraw) -> None:
    """Sun, Moon and Earth in a line; and at a right angle."""
    for y, moon, bulge in ((65, (330, 65), (46, 24)), (175, (380, 120), (36, 30))):
        _disc(draw, (60, y), 26, SUN)
        draw.ellipse(_box((380, y), *bulge), fill=SEA)
        _disc(draw, (380, y), 20, CRUST)
        draw.line([(95, y), (322, y)], fill=FAINT, width=2)
        _disc(draw, moon, 8, INK)


def _fresnel(draw: ImageDraw.ImageDraw) -> None:
    """Half of a plain lens, and the same surface in steps."""
    steps = 7
    for middle, ring in ((120, False), (330, True)):
        back = [(middle, 220.0), (middle, 20.0)]
        front: list[Point] = []
        for y in range(20, 221):
            distance = abs(y - 120) / 100
            depth = 80 * (1 - distance**2)
            if ring:
                inner = int(distance * steps) / steps
                outer = min(1.0, inner + 1 / steps)
                depth -= 80 * (1 - outer**2) - 8
            front.append((middle + depth, float(y)))
        draw.polygon([*back, *front], fill=SEA, outline=INK)


def _oven_spring(draw: ImageDraw.ImageDraw) -> None:
    """Height of a loaf over time: it grows, then it stands."""
    draw.line([(50, 20), (50, 205), (450, 205)], fill=INK, width=2)
    for x in range(50, 451, 80):
        draw.line([(x, 205), (x, 212)], fill=INK, width=2)
    curve = [(50 + t * 8.0, 160 - 100 * (1 - math.exp(-t / 7))) for t in range(0, 50)]
    draw.line(curve, fill=CRUST, width=4)


def _chain(draw: ImageDraw.ImageDraw) -> None:
    """Chains, a new one and a worn one, under the same gauge."""
    for y, pitch, drop in ((75, 40.0, 0), (175, 42.5, 12)):
        for link in range(9):
            x = 70 + link * pitch
            draw.rounded_rectangle(
                (x, y - 9, x + pitch, y + 9), 9, outline=INK, width=3
            )
            _disc(draw, (x, y), 5, INK)
        draw.line([(70, y - 34), (390, y - 34)], fill=SEA, width=4)
        for x in (70, 390):
            draw.line([(x, y - 34), (x, y - 18 + drop)], fill=SEA, width=4)


DRAWINGS = {
    "tides/spring-neap.png": _spring_neap,
    "tides/fresnel.png": _fresnel,
    "bread/oven-spring.png": _oven_spring,
    "bicycles/chain.png": _chain,
}


def draw_all(folder: Path) -> None:
    """Draw every image into a folder of notes."""
    for name, drawing in DRAWINGS.items():
        image = Image.new("RGB", SIZE, PAPER)
        drawing(ImageDraw.Draw(image))
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image.quantize(32).save(path, "PNG", optimize=True)


def _disc(draw: ImageDraw.ImageDraw, middle: Point, radius: float, ink: str) -> None:
    draw.ellipse(_box(middle, radius, radius), fill=ink)


def _box(middle: Point, across: float, down: float) -> tuple[float, ...]:
    x, y = middle
    return (x - across, y - down, x + across, y + down)


if __name__ == "__main__":
    draw_all(NOTES)
