import io

import pytest
from rich.console import Console

from reference_app.agent import demo


@pytest.fixture
def printed(monkeypatch):
    """Return a function that prints, and returns what was printed."""
    console = Console(file=io.StringIO(), width=80)
    monkeypatch.setattr(demo, "console", console)

    def do(function, *arguments):
        function(*arguments)
        return console.file.getvalue()

    return do


@pytest.fixture
def kb(run, tmp_path):
    run()
    return tmp_path / "kb"


def test_the_tree_names_each_folder_and_counts_what_it_does_not_show(
    kb, printed, monkeypatch
):
    monkeypatch.setattr(demo, "ENTRIES", 2)
    page = printed(lambda: demo.console.print(demo.tree(kb)))
    lines = [line.strip("│├└─ ") for line in page.splitlines()]
    assert lines[:3] == ["kb/", "README.md", "categories/ 2"]
    assert "bread/ README.md, synthesis.md" in lines
    assert lines[lines.index("items/ 4") + 3] == "and 2 more"
    assert ".agent" not in page


def test_the_log_is_told_newest_first(kb, run, notes):
    (notes / "rye.md").unlink()
    run()
    subjects = [subject for _, _, subject in demo.commits(kb)]
    assert subjects == ["Update 1 note, remove 1 note", "Add 4 notes"]
    assert len(demo.commits(kb, most=1)) == 1


def test_an_answer_is_printed_with_the_sources_its_numbers_stand_for(printed):
    source = {"number": 1, "title": "The ebb", "path": "items/ebb/README.md"}
    page = printed(
        demo.print_answer,
        {
            "question": "Why does water fall?",
            "text": f"The moon pulls the sea [sic]. [1] Again{' and again' * 9}. [2]",
            "sources": [source | {"score": 0.5123, "slug": "ebb", "sentences": []}],
        },
    )
    assert "fall?\nThe moon pulls the sea [sic]. [1]\nAgain and again" in page
    assert "[1] The ebb\n    items/ebb/README.md  alike: 0.51\n" in page
    assert all(len(line) <= 80 for line in page.splitlines())


def test_an_answer_of_nothing_has_no_sources(printed):
    text = "The knowledge base says nothing about this."
    page = printed(demo.print_answer, {"question": "Who?", "text": text, "sources": []})
    assert page == f"\nWho?\n{text}\n"
