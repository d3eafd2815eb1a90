import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

import reference_app.agent as agent
from reference_app.agent import kb, pipeline
from reference_app.agent.errors import (
    AgentError,
    EveryItemFailed,
    KnowledgeBaseError,
    SourceError,
    TryLater,
)
from reference_app.agent.kb import KnowledgeBase
from reference_app.agent.phases import PHASES, Preferences

BUNDLED = Path(agent.__file__).parent / "notes"


def _broken_links(root):
    """Links of pages that lead to no file."""
    from reference_app.agent.notes import markdown

    found = []
    for page in root.rglob("*.md"):
        for node in list(markdown(page.read_text()).walk())[1:]:
            target = node.attrs.get("href") or node.attrs.get("src")
            local = target and "://" not in target
            if local and not (page.parent / target).is_file():
                found.append((page.relative_to(root).as_posix(), target))
    return found


def test_the_phases_run_in_their_order_and_percent_never_goes_back(run, new_context):
    ctx = new_context()
    report = run(ctx=ctx)
    order = list(dict.fromkeys(data["phase"] for _, _, data in ctx.reports))
    assert order == [phase.name for phase in PHASES]
    percents = [percent for percent, _, _ in ctx.reports]
    assert percents == sorted(percents)
    assert percents[0] == 0
    assert percents[-1] == 99
    assert report.bookmarks == {
        "done": 4,
        "unchanged": 0,
        "failed": 0,
        "left_out": 0,
        "total": 4,
    }


def test_the_knowledge_base_can_be_read_from_page_to_page(run, tmp_path):
    run()
    root = tmp_path / "kb"
    assert _broken_links(root) == []
    assert "[Crust](items/crust/README.md)" in (root / "README.md").read_text()
    ebb = (root / "items/ebb/README.md").read_text()
    assert "[the flood](../flood/README.md)" in ebb
    assert "![A wave](wave.png)" in ebb
    assert "| 1 | low |" in (root / "items/flood/README.md").read_text()
    assert "[Crust]" in (root / "categories/bread/README.md").read_text()
    assert "moon" in (root / "categories/sea/synthesis.md").read_text()


def test_a_second_run_changes_no_byte_and_does_nothing(run, tmp_path, tree_of):
    run()
    before = tree_of(tmp_path / "kb")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "kb").rglob("*.*")}
    report = run()
    assert report.done == 0
    assert report.commit is None
    assert report.bookmarks["unchanged"] == 4
    assert tree_of(tmp_path / "kb") == before
    assert {path: path.stat().st_mtime_ns for path in times} == times


def test_two_folders_get_the_same_bytes(run, tmp_path, tree_of):
    run(root=tmp_path / "one")
    run(root=tmp_path / "elsewhere" / "two")
    assert tree_of(tmp_path / "one") == tree_of(tmp_path / "elsewhere" / "two")


def test_another_process_with_another_hash_seed_gets_the_same_bytes(
    run, notes, tmp_path, tree_of
):
    run()
    code = (
        "import sys; from pathlib import Path\n"
        "from reference_app.agent import pipeline\n"
        "from reference_app.agent.phases import Preferences\n"
        "class Ctx:\n"
        "    job_id = 'x'\n"
        "    def report(self, *_, **__): pass\n"
        "    def mark(self, *_, **__): pass\n"
        "    def check_cancelled(self): pass\n"
        "pipeline.run(Path(sys.argv[1]), Path(sys.argv[2]), Preferences(), Ctx())\n"
    )
    other = tmp_path / "other"
    subprocess.run(
        [sys.executable, "-c", code, str(notes), str(other)],
        check=True,
        env={
            **os.environ,
            "PYTHONHASHSEED": "7",
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
    )
    assert tree_of(other) == tree_of(tmp_path / "kb")


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
    assert report.commit is not None
    assert "cool rise" in (tmp_path / "kb/items/rye/README.md").read_text()


def test_a_note_that_went_takes_its_page_and_its_links_with_it(run, notes, tmp_path):
    run()
    (notes / "flood.md").unlink()
    run()
    root = tmp_path / "kb"
    assert not (root / "items/flood").exists()
    assert _broken_links(root) == []
    assert not (root / "categories/sea/synthesis.md").exists()
    assert "See the flood." in (root / "items/ebb/README.md").read_text()


@pytest.mark.parametrize("gone", ["items/ebb/wave.png", "README.md", kb.INDEX])
def test_an_output_that_is_missing_is_made_again_as_it_was(
    run, tmp_path, tree_of, gone
):
    run()
    before = tree_of(tmp_path / "kb")
    (tmp_path / "kb" / gone).unlink()
    assert run().done > 0
    assert tree_of(tmp_path / "kb") == before


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


def test_a_note_that_became_unusable_takes_its_page_with_it(run, notes, tmp_path):
    run()
    (notes / "flood.md").write_bytes(b"\x00")
    run()
    assert not (tmp_path / "kb/items/flood").exists()
    assert _broken_links(tmp_path / "kb") == []


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


def test_an_empty_folder_does_not_empty_a_knowledge_base(run, notes, tmp_path, tree_of):
    run()
    before = tree_of(tmp_path / "kb")
    for path in notes.glob("*.md"):
        path.unlink()
    with pytest.raises(SourceError, match="nothing is removed"):
        run()
    assert tree_of(tmp_path / "kb") == before


def test_an_empty_folder_gives_an_empty_knowledge_base(run, tmp_path):
    (tmp_path / "empty").mkdir()
    report = run(origin=tmp_path / "empty", root=tmp_path / "kb2")
    assert report.bookmarks["total"] == 0
    assert "0 notes in 0 categories." in (tmp_path / "kb2/README.md").read_text()


@pytest.mark.parametrize("phase", [each for each in PHASES if each.skip])
def test_a_phase_that_is_skipped_does_not_run(run, new_context, phase):
    run(skip_git_sync=True)
    ctx = new_context()
    report = run(ctx=ctx, **{phase.skip: True})
    assert report.skipped == [phase.name]
    assert phase.name not in report.phases
    told = [data["status"] for _, _, data in ctx.reports if data["phase"] == phase.name]
    assert told == ["skipped"]
    percents = [percent for percent, _, _ in ctx.reports]
    assert percents == sorted(percents)


def test_without_synthesis_no_page_leads_to_one(run, tmp_path):
    run(skip_synthesis_generation=True)
    assert _broken_links(tmp_path / "kb") == []


@pytest.mark.parametrize(
    ("flag", "step", "units"),
    [
        ("force_recache", "cache", 4),
        ("force_reprocess_media", "media", 4),
        ("force_reprocess_llm", "llm", 4),
        ("force_reprocess_kb_item", "kb_item", 4),
        ("force_regenerate_synthesis", "synthesis", 2),
        ("force_regenerate_embeddings", "embeddings", 1),
        ("force_regenerate_readme", "page", 3),
    ],
)
def test_what_is_forced_is_done_anew_once_and_nothing_else(
    run, new_context, flag, step, units
):
    run()
    ctx = new_context("job-2")
    run(ctx=ctx, **{flag: True})
    assert [each for each, _ in ctx.marks] == [step] * units
    again = new_context("job-2")  # the same job, delivered again
    run(ctx=again, **{flag: True})
    assert again.marks == []


def test_a_single_phase_can_be_run_alone(run, tmp_path):
    run(only=["fetch_bookmarks"])
    assert not (tmp_path / "kb/items").exists()
    report = run(only=["content_processing"], ids=["rye.md"], steps=["cache", "media"])
    assert report.bookmarks["done"] == 1
    report = run(only=["content_processing"])
    assert report.bookmarks == {
        "done": 4,
        "unchanged": 0,
        "failed": 0,
        "left_out": 0,
        "total": 4,
    }
    assert run(only=["git_sync"]).commit is not None


def test_an_unknown_bookmark_is_refused(run):
    run(only=["fetch_bookmarks"])
    with pytest.raises(SourceError, match=r"nobody\.md"):
        run(only=["content_processing"], ids=["nobody.md"])


def test_content_without_bookmarks_is_refused(run):
    with pytest.raises(KnowledgeBaseError, match="Fetch them first"):
        run(only=["content_processing"])


@pytest.mark.parametrize("wanted", [{"skip_all": True}, {"skip_git_sync": "yes"}])
def test_wrong_preferences_are_refused(wanted):
    with pytest.raises(AgentError):
        Preferences.from_mapping(wanted)


def test_notes_and_knowledge_base_may_not_lie_in_each_other(run, notes):
    for root in (notes, notes / "kb", notes.parent):
        with pytest.raises(KnowledgeBaseError, match="side by side"):
            run(root=root)


def test_a_json_file_may_lie_beside_the_knowledge_base(run, tmp_path):
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
    assert _broken_links(tmp_path / "kb") == []


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


def test_a_full_disk_is_worth_another_attempt(run, monkeypatch, tmp_path, tree_of):
    run(root=tmp_path / "whole")
    room = iter(range(20))

    def write(path, data, write=Path.write_bytes):
        if next(room, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, data)

    with monkeypatch.context() as full:
        full.setattr(Path, "write_bytes", write)
        with pytest.raises(TryLater, match="No space left"):
            run()
    run()
    assert tree_of(tmp_path / "kb") == tree_of(tmp_path / "whole")


def test_an_unknown_phase_is_refused(run):
    with pytest.raises(AgentError, match="'fetch'"):
        run(only=["fetch"])
    with pytest.raises(AgentError, match="'think'"):
        run(steps=["think"])


def test_two_runs_do_not_write_at_once(run, tmp_path):
    with KnowledgeBase(tmp_path / "kb").writing(), pytest.raises(TryLater):
        run()
    run()


def test_a_cancelled_run_goes_on_when_it_is_run_again(
    run, tmp_path, tree_of, new_context
):
    class Cancelled(BaseException):
        pass

    run(root=tmp_path / "whole")

    def cancel(number):
        if number == 9:
            raise Cancelled

    with pytest.raises(Cancelled):
        run(ctx=new_context(on_check=cancel))
    run()
    assert tree_of(tmp_path / "kb") == tree_of(tmp_path / "whole")


def test_the_bundled_notes_become_a_knowledge_base(run, tmp_path):
    report = run(origin=BUNDLED)
    assert report.left_out == {}
    assert report.bookmarks["done"] == len(list(BUNDLED.rglob("*.md"))) >= 24
    assert _broken_links(tmp_path / "kb") == []
    categories = sorted(path.name for path in (tmp_path / "kb/categories").iterdir())
    assert categories == [
        "baking-bread",
        "bicycles",
        "small-telescopes",
        "tides-and-lighthouses",
    ]
    # Notes that name no category stand with those of their folder.
    first = (tmp_path / "kb/README.md").read_text()
    for folder, label in {
        "bicycles": "Bicycles",
        "telescopes": "Small telescopes",
    }.items():
        part = first.split(f"## [{label}]")[1].split("\n## ")[0]
        assert part.count(f"(items/{folder}-") == len(
            list((BUNDLED / folder).glob("*.md"))
        )


def test_all_links_of_the_bundled_notes_lead_somewhere():
    assert _broken_links(BUNDLED) == []


def test_every_phase_has_its_function():
    assert {*pipeline._DO, pipeline.CONTENT} == {phase.name for phase in PHASES}
