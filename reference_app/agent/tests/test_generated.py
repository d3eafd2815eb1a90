"""Texts of the committed model, in a knowledge base and on their own."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys

import pytest
import torch

from reference_app.agent import generated, pages, pipeline, runs
from reference_app.agent.errors import NoModel
from reference_app.agent.generated import TextModel
from reference_app.agent.notes import Note, markdown, plain
from reference_app.agent.phases import Preferences
from reference_app.agent.text import words
from reference_app.settings import PACKAGED_MODELS, settings
from reference_app.steering import model
from reference_app.steering.catalogue import find_model
from reference_app.steering.generate import MICRO_BATCH

MODEL = "storyteller"
TOKENS = 12

# What dies inside dulwich cannot close its files.
pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)


class Cancelled(BaseException):
    pass


class Accelerator:
    """A device that tells who comes and goes."""

    def __init__(self):
        self.log, self.held = [], False

    @contextlib.contextmanager
    def __call__(self):
        self.log.append("taken")
        self.held = True
        try:
            yield
        finally:
            self.held = False
            self.log.append("given back")


@pytest.fixture(autouse=True)
def configured(monkeypatch):
    """Return a function that sets variables; texts are short."""

    def configure(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, str(value))
        settings.cache_clear()

    monkeypatch.delenv("MODELS_DIR", raising=False)
    configure(AGENT_TEXT_TOKENS=TOKENS)
    torch.set_num_threads(1)
    yield configure
    settings.cache_clear()


@pytest.fixture
def accelerator():
    return Accelerator()


@pytest.fixture
def write(run, tmp_path, notes, new_context, accelerator):
    """Return a function that runs the agent with texts on a device that tells."""

    def do(root=None, ctx=None, only=pipeline.ALL, steps=pipeline.EVERY_STEP, **wanted):
        return pipeline.run(
            notes,
            root or tmp_path / "kb",
            Preferences.from_mapping({"generate_text": True} | wanted),
            ctx or new_context(),
            only=only,
            steps=steps,
            device=accelerator,
        )

    return do


@pytest.fixture
def text_model(accelerator):
    """Return a function that makes a model for texts of so many tokens."""

    def make(tokens=TOKENS, check=lambda: None, drafts=1):
        entry = find_model(PACKAGED_MODELS, MODEL)
        return TextModel(entry, tokens, drafts, accelerator, check)

    return make


@pytest.fixture
def loaded(monkeypatch):
    """Return the list of models that were loaded."""
    found = []

    def load(entry, load=model.load_model):
        found.append(load(entry))
        return found[-1]

    monkeypatch.setattr(model, "load_model", load)
    return found


def told(root, slug):
    record = json.loads((root / f".agent/records/items/{slug}.json").read_text())
    return record["llm"]["value"]


def quotes(page):
    return [node for node in markdown(page).walk() if node.type == "blockquote"]


def words_and_stops(text):
    return len(re.findall(r"\w+|[.,]", text))


def numbers_of(lm):
    tensors = [*lm.network.parameters(), *lm.network.buffers()]
    return sum(tensor.numel() for tensor in tensors)


def test_without_the_preference_nothing_is_written_and_no_model_is_imported(
    notes, tmp_path
):
    code = (
        "import sys; from pathlib import Path\n"
        "from reference_app.agent import pipeline, runs\n"
        "from reference_app.agent.phases import Preferences\n"
        "class Ctx:\n"
        "    job_id = 'x'\n"
        "    def report(self, *_, **__): pass\n"
        "    def mark(self, *_, **__): pass\n"
        "    def check_cancelled(self): pass\n"
        "pipeline.run(Path(sys.argv[1]), Path(sys.argv[2]), Preferences(), Ctx())\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)\n"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(notes), str(tmp_path / "kb")],
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert "generated" not in told(tmp_path / "kb", "ebb")
    assert "Written by" not in (tmp_path / "kb/items/ebb/README.md").read_text()


def test_every_item_shows_a_text_that_is_marked_as_a_models(
    write, tmp_path, broken_links
):
    write()
    root = tmp_path / "kb"
    texts = set()
    for slug in ("ebb", "flood", "rye", "crust"):
        found = told(root, slug)["generated"]
        assert found["model"] == MODEL
        assert found["tokens"] == TOKENS
        assert words_and_stops(found["text"]) == TOKENS
        texts.add(found["text"])
        last = quotes((root / f"items/{slug}/README.md").read_text())[-1]
        marked = f"Written by a model ({MODEL}), not in the note: {found['text']}"
        assert plain(last) == marked
    assert len(texts) == 4
    assert broken_links(root) == []


def test_whatever_a_model_writes_is_shown_as_text_and_does_nothing():
    said = "# a [b](c) ![d](e) <script> `f` **g** > h | i & &amp; https://x.org _j_"
    told = {
        "category": "c",
        "label": "C",
        "summary": ["One sentence of it."],
        "generated": {"text": said, "model": "an_org_/a*b*", "tokens": 3},
    }
    note = Note(title="T", body="Text.", paragraphs=["One is it here. Two is it here."])
    page = pages.item(note, told, {}, lambda href: None, "t.md")
    summary, made = quotes(page)
    assert plain(summary).startswith("In the note's own words: One sentence")
    assert plain(made) == f"Written by a model (an_org_/a*b*), not in the note: {said}"
    kinds = {node.type for node in made.walk()}
    assert kinds == {"blockquote", "paragraph", "inline", "strong", "text"}


def test_a_model_that_wrote_only_spaces_is_told_too():
    told = {"category": "c", "label": "C", "summary": []}
    told["generated"] = {"text": "", "model": "m", "tokens": 1}
    page = pages.item(Note(title="T", body="Text."), told, {}, str, "t.md")
    assert "> **Written by a model (m), not in the note:** (nothing)\n" in page


def test_a_second_run_with_texts_changes_no_byte_and_loads_no_model(
    write, tmp_path, tree_of, accelerator, loaded
):
    write()
    before = tree_of(tmp_path / "kb")
    assert write().done == 0
    assert tree_of(tmp_path / "kb") == before
    assert accelerator.log == ["taken", "given back"]
    assert len(loaded) == 1


def test_two_folders_get_the_same_texts_and_a_text_does_not_depend_on_others(
    write, tmp_path, notes, tree_of
):
    write(root=tmp_path / "one")
    write(root=tmp_path / "two")
    assert tree_of(tmp_path / "one") == tree_of(tmp_path / "two")
    for path in notes.glob("*.md"):
        if path.stem != "rye":
            path.unlink()
    write(root=tmp_path / "alone")
    assert told(tmp_path / "alone", "rye") == told(tmp_path / "one", "rye")


def test_a_run_with_texts_killed_at_any_change_ends_like_an_undisturbed_one(
    write, tmp_path, dying, tree_of
):
    whole = tmp_path / "whole"
    changes = dying(whole, 0, write_to(write, whole))
    for at in range(1, changes, 7):
        root = tmp_path / f"kb-{at}"
        assert dying(root, at, write_to(write, root)) == at
        write(root=root)
        assert tree_of(root) == tree_of(whole), at


def write_to(write, root):
    return lambda: write(root=root)


def test_texts_come_and_go_with_the_preference(
    run, write, tmp_path, tree_of, new_context, configured
):
    run()
    before = tree_of(tmp_path / "kb")
    on = new_context()
    write(ctx=on)
    steps = ["llm"] * 4 + ["kb_item"] * 4
    assert [step for step, _ in on.marks] == steps
    with_texts = tree_of(tmp_path / "kb")
    changed = {path for path in before if with_texts[path] != before[path]}
    pages = {path for path in changed if not path.startswith(".agent/")}
    assert {path.split("/")[0] for path in pages} == {"items"}
    configured(AGENT_TEXT_TOKENS=TOKENS - 1)
    other = new_context()
    write(ctx=other)
    assert [step for step, _ in other.marks] == steps
    off = new_context()
    run(ctx=off)
    assert [step for step, _ in off.marks] == steps
    assert tree_of(tmp_path / "kb") == before


def test_what_is_forced_is_written_anew_and_is_the_same(
    write, tmp_path, new_context, accelerator
):
    write()
    before = told(tmp_path / "kb", "ebb")
    write(ctx=new_context("job-2"), force_reprocess_llm=True)
    assert told(tmp_path / "kb", "ebb") == before
    assert accelerator.log == ["taken", "given back"] * 2


def test_a_cancel_between_two_tokens_ends_the_run_before_the_next(
    write, tmp_path, tree_of, new_context, accelerator, loaded
):
    write(root=tmp_path / "whole")
    while_held = []

    def cancel(number):
        if accelerator.held:
            while_held.append(number)
        if len(while_held) == TOKENS + 5:
            raise Cancelled

    ctx = new_context(on_check=cancel)
    with pytest.raises(Cancelled):
        write(ctx=ctx)
    # The fourth token of the second text: one note was written, one asked for.
    assert ctx.checks == while_held[-1]
    assert [step for step, _ in ctx.marks].count("llm") == 2
    assert not accelerator.held
    assert numbers_of(loaded[-1]) == 0
    write()
    assert tree_of(tmp_path / "kb") == tree_of(tmp_path / "whole")


def test_a_text_asks_after_each_token(text_model):
    asked = []
    note = Note(title="The fox", body="")
    with text_model(check=lambda: asked.append(1)) as writes:
        writes.write(note, "a1")
    assert len(asked) == TOKENS


def test_the_device_is_held_for_the_texts_only(
    write, new_context, accelerator, loaded, monkeypatch
):
    held = []
    ctx = new_context(on_mark=lambda step, _: held.append((step, accelerator.held)))
    released = []

    def release(self, release=model.LanguageModel.release):
        released.append(accelerator.held)
        release(self)

    monkeypatch.setattr(model.LanguageModel, "release", release)
    write(ctx=ctx)
    # The first note's step has begun when it turns out that a text is wanted.
    llm = [each for step, each in held if step == "llm"]
    assert llm == [False, True, True, True]
    assert not any(each for step, each in held if step != "llm")
    assert released == [True]
    assert len(loaded) == 1
    assert numbers_of(loaded[0]) == 0


def test_a_run_that_needs_no_text_takes_no_device(write, run, accelerator):
    run(only=["fetch_bookmarks"])
    write(only=["content_processing"], steps=["cache", "media"])
    write(skip_process_content=True)
    assert accelerator.log == []


def test_an_error_gives_the_device_back_and_the_models_memory(
    text_model, accelerator, loaded
):
    def fails():
        raise OSError("broken")

    with pytest.raises(OSError, match="broken"), text_model(check=fails) as writes:
        writes.write(Note(title="The fox", body=""), "a1")
    assert accelerator.log == ["taken", "given back"]
    assert numbers_of(loaded[0]) == 0


def test_a_model_that_cannot_be_loaded_gives_the_device_back(
    text_model, accelerator, monkeypatch
):
    def load(entry):
        raise ValueError("no weights")

    monkeypatch.setattr(model, "load_model", load)
    with pytest.raises(ValueError, match="no weights"), text_model() as writes:
        writes.write(Note(title="The fox", body=""), "a1")
    assert accelerator.log == ["taken", "given back"]


@pytest.mark.parametrize("wanted", [{}, {"skip_fetch_bookmarks": True}])
def test_without_a_model_the_run_is_refused_before_anything_is_made(
    write, tmp_path, configured, wanted
):
    configured(MODELS_DIR=tmp_path / "empty")
    with pytest.raises(NoModel, match=r"empty/lm .*MODELS_DIR, or leave generate_text"):
        write(**wanted)
    assert not (tmp_path / "kb").exists()


def test_without_a_model_a_run_that_writes_no_text_is_made(
    write, run, tmp_path, configured
):
    configured(MODELS_DIR=tmp_path / "empty")
    run()
    write(skip_process_content=True)
    write(only=["content_processing"], steps=["kb_item"])


def test_a_model_that_cannot_be_used_is_told_and_another_one_is_taken(
    tmp_path, accelerator
):
    lm = tmp_path / "models" / "lm"
    shutil.copytree(PACKAGED_MODELS / "lm" / MODEL, lm / "a-model")
    (lm / "a-model" / "model.safetensors").unlink()

    def find():
        return generated.find(lm.parent, TOKENS, 2, accelerator, lambda: None)

    with pytest.raises(NoModel, match=r"a-model.* holds no \.safetensors file"):
        find()
    shutil.copytree(PACKAGED_MODELS / "lm" / MODEL, lm / "b-model")
    assert find().made_from == ["b-model", TOKENS, 2]
    assert accelerator.log == []


@pytest.mark.parametrize(("tokens", "made"), [(1, 1), (60, 60), (200, 112)])
def test_a_long_note_and_a_long_text_share_the_models_context(text_model, tokens, made):
    sentence = "The " + "moon " * 79 + "."
    note = Note(title="The fox " * 20, body="", paragraphs=[sentence])
    with text_model(tokens) as writes:
        found = writes.write(note, "a1")
    assert found["tokens"] == made
    assert words_and_stops(found["text"]) == made


def test_a_note_without_a_word_that_the_model_knows_gets_a_text_too(text_model):
    with text_model() as writes:
        first = writes.write(Note(title="潮汐", body=""), "a1")
        other = writes.write(Note(title="潮汐", body=""), "a2")
    assert first["text"]
    assert first["text"] != other["text"]


def test_a_job_takes_the_accelerator_after_the_writers_place(
    notes, tmp_path, new_context, configured
):
    class JobContext(new_context):
        soft_deadline_s = None

        def mark(self, name, **data):
            self.marks.append(name)

    configured(DATA_DIR=tmp_path / "data")
    request = {"source": str(notes), "preferences": {"generate_text": True}}
    ctx = JobContext()
    result = runs.run_agent(request, ctx)
    assert result["bookmarks"]["done"] == 4
    assert [name for name in ctx.marks if name.startswith("device")] == [
        "device knowledge-base taken",
        "device gpu0 taken",
        "device gpu0 given back",
        "device knowledge-base given back",
    ]
    again = JobContext()
    runs.run_agent(request, again)
    assert "device gpu0 taken" not in again.marks


def test_of_several_drafts_the_one_nearest_to_the_note_is_kept(text_model):
    note = Note(title="The fox", body="", paragraphs=["The fox ran to the old tree."])
    about = {*words("The fox ran to the old tree.")}

    def shared(drafts):
        asked = []
        with text_model(drafts=drafts, check=lambda: asked.append(1)) as writes:
            text = writes.write(note, "1f")["text"]
        assert len(asked) == TOKENS * -(-drafts // MICRO_BATCH)
        return len(about & {*words(text)})

    assert shared(40) > shared(1)
