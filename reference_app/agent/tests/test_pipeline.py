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
    KnowledgeBaseError,
    SourceError,
    TryLater,
)
from reference_app.agent.kb import KnowledgeBase
from reference_app.agent.phases import PHASES, Preferences

BUNDLED = Path(agent.__file__).parent / "notes"


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


def test_the_knowledge_base_can_be_read_from_page_to_page(run, tmp_path, broken_links):
    run()
    root = tmp_path / "kb"
    assert broken_links(root) == []
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
    assert report.commit == ""
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


@pytest.mark.parametrize("gone", ["items/ebb/wave.png", "README.md", kb.INDEX])
def test_an_output_that_is_missing_is_made_again_as_it_was(
    run, tmp_path, tree_of, gone
):
    run()
    before = tree_of(tmp_path / "kb")
    (tmp_path / "kb" / gone).unlink()
    assert run().done > 0
    assert tree_of(tmp_path / "kb") == before


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


def test_without_synthesis_no_page_leads_to_one(run, tmp_path, broken_links):
    run(skip_synthesis_generation=True)
    assert broken_links(tmp_path / "kb") == []


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
    assert run(only=["git_sync"]).commit != ""


@pytest.mark.parametrize("wanted", [{"skip_all": True}, {"skip_git_sync": "yes"}])
def test_wrong_preferences_are_refused(wanted):
    with pytest.raises(AgentError):
        Preferences.from_mapping(wanted)


def test_notes_and_knowledge_base_may_not_lie_in_each_other(run, notes):
    for root in (notes, notes / "kb", notes.parent):
        with pytest.raises(KnowledgeBaseError, match="side by side"):
            run(root=root)


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


def test_the_bundled_notes_become_a_knowledge_base(run, tmp_path, broken_links):
    report = run(origin=BUNDLED)
    assert report.left_out == {}
    assert report.bookmarks["done"] == len(list(BUNDLED.rglob("*.md"))) >= 24
    assert broken_links(tmp_path / "kb") == []
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


def test_all_links_of_the_bundled_notes_lead_somewhere(broken_links):
    assert broken_links(BUNDLED) == []


def test_every_phase_has_its_function():
    assert {*pipeline._DO, pipeline.CONTENT} == {phase.name for phase in PHASES}
