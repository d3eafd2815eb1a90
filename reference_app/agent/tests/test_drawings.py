import re

from PIL import Image, ImageChops

from reference_app.agent.drawings import DRAWINGS, NOTES, draw_all


def test_the_bundled_images_are_what_is_drawn(tmp_path):
    draw_all(tmp_path)
    for name in DRAWINGS:
        with Image.open(tmp_path / name) as new, Image.open(NOTES / name) as old:
            change = ImageChops.difference(new.convert("RGB"), old.convert("RGB"))
        assert change.getbbox() is None, name


def test_every_image_is_in_a_note():
    shown = {
        f"{path.parent.name}/{name}"
        for path in NOTES.rglob("*.md")
        for name in re.findall(r"\]\((\S+\.png)\)", path.read_text())
    }
    assert shown == set(DRAWINGS)
