"""What becomes of notes and images, good and bad, on their way to a page."""

import pytest

from reference_app.agent.errors import (
    EveryItemFailed,
    KnowledgeBaseError,
    SourceError,
)


def test_a_changed_note_is_done_again_and_the_others_are_not(
    run, notes, tmp_path, new_context
):
    run()
    path = notes / "rye.md"
    path.write_text(path.read_text() + "\nRye likes a long, slow and cool rise.\n")
    ctx = new_context()
    report = run(ctx=ctx)
    items = {unit for step, unit in ctx.marks if step in ("cache", "media")}
    assert items == {"items/rye"}
    assert report.commit != ""
    assert "cool rise" in (tmp_path / "kb/items/rye/README.md").read_text()


def test_a_note_that_went_takes_its_page_and_its_links_with_it(
    run, notes, tmp_path, broken_links
):
    run()
    (notes / "flood.md").unlink()
    run()
    root = tmp_path / "kb"
    assert not (root / "items/flood").exists()
    assert broken_links(root) == []
    assert not (root / "categories/sea/synthesis.md").exists()
    assert "See the flood." in (root / "items/ebb/README.md").read_text()


def test_a_note_that_cannot_be_used_is_told_and_the_rest_is_there(run, notes, tmp_path):
    (notes / "bomb.md").write_text("---\na: &a [x]\nb: *a\n---\nText of a note.\n")
    (notes / "binary.md").write_bytes(b"a\x00b")
    report = run()
    assert report.bookmarks == {
        "done": 4,
        "unchanged": 0,
        "failed": 2,
        "left_out": 0,
        "total": 6,
    }
    assert report.steps["cache"].failed == 2
    assert sum(report.bookmarks.values()) == 2 * report.bookmarks["total"]
    first = (tmp_path / "kb/README.md").read_text()
    assert "- `bomb.md` has an alias in its front matter" in first
    assert "- `binary.md` is not text" in first
    assert run().done == 0


def test_a_note_that_became_unusable_takes_its_page_with_it(
    run, notes, tmp_path, broken_links
):
    run()
    (notes / "flood.md").write_bytes(b"\x00")
    run()
    assert not (tmp_path / "kb/items/flood").exists()
    assert broken_links(tmp_path / "kb") == []


def test_when_no_note_can_be_used_the_run_fails_and_takes_nothing_away(
    run, notes, tmp_path, tree_of
):
    run()
    before = tree_of(tmp_path / "kb")
    for path in notes.glob("*.md"):
        path.write_bytes(b"\x00")
    with pytest.raises(EveryItemFailed, match=r"Of 4 bookmarks .*ebb\.md is not text"):
        run()
    assert tree_of(tmp_path / "kb") == before


def test_when_no_bookmark_can_be_opened_the_run_fails(run, notes):
    for path in notes.glob("*.md"):
        path.unlink()
        path.symlink_to("/etc/hostname")
    with pytest.raises(EveryItemFailed, match="outside"):
        run()


def test_an_unknown_bookmark_is_refused(run):
    run(only=["fetch_bookmarks"])
    with pytest.raises(SourceError, match=r"nobody\.md"):
        run(only=["content_processing"], ids=["nobody.md"])


def test_content_without_bookmarks_is_refused(run):
    with pytest.raises(KnowledgeBaseError, match="Fetch them first"):
        run(only=["content_processing"])


def test_a_json_file_may_lie_beside_the_knowledge_base(run, tmp_path, broken_links):
    path = tmp_path / "bookmarks.json"
    path.write_text(
        '[{"text": "The tide follows the moon.", "id": "../../x", "title": "[A](b)",'
        ' "category": "../C", "url": "https://example.org/x", "tags": ["#t"]}]'
    )
    report = run(origin=path)
    assert report.bookmarks["done"] == 1
    page = (tmp_path / "kb/items/x/README.md").read_text()
    assert page.startswith("# \\[A\\](b)\n")
    assert "From `https://example.org/x`" in page
    assert (tmp_path / "kb/categories/c/README.md").is_file()
    assert broken_links(tmp_path / "kb") == []


def test_images_that_cannot_be_shown_are_told_on_the_page(run, notes, tmp_path):
    (notes / "wave.png").write_bytes(b"no image")
    (tmp_path / "secret.png").write_bytes(b"secret")
    (notes / "link.png").symlink_to("../secret.png")
    (notes / "crust.md").write_text(
        "Crust of bread.\n\n![a](../secret.png) ![b](link.png) ![c](gone.png) "
        "![d](https://example.org/d.png) ![e](/etc/hostname)\n"
    )
    report = run()
    assert report.bookmarks["failed"] == 0
    page = (tmp_path / "kb/items/crust/README.md").read_text()
    assert page.count("lies outside the folder") == 3
    assert "`gone.png` is missing" in page
    assert "`https://example.org/d.png` is not in the folder" in page
    ebb = (tmp_path / "kb/items/ebb/README.md").read_text()
    assert "`wave.png` is no image that can be read" in ebb
    assert run().done == 0
    (notes / "gone.png").write_bytes((tmp_path / "notes/wave.png").read_bytes())
    assert run().done > 0


def test_images_of_one_name_are_kept_apart(run, notes, tmp_path, make_png):
    for number, name in enumerate(["a/x.png", "b/x.png", "x-2.png"]):
        (notes / name).parent.mkdir(exist_ok=True)
        (notes / name).write_bytes(make_png(20 + number))
    (notes / "crust.md").write_text("![](a/x.png) ![](x-2.png) ![](b/x.png) words")
    run()
    found = {path.name for path in (tmp_path / "kb/items/crust").glob("*.png")}
    assert found == {"x.png", "x-2.png", "x-3.png"}
