import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reference_app.agent.markdown import Writer, table
from reference_app.agent.notes import markdown, plain


def _html(text):
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    return parser.render(text)


def _letters(text):
    return "".join(plain(markdown(text)).split())


def _written(text, link=lambda href: href, title=""):
    writer = Writer(link, lambda where, words: f"![{words}]({where})", title)
    return writer.write(markdown(text))


@pytest.mark.parametrize(
    "text",
    [
        "A *b* **c** `d` [e](f.md) ![g](h.png) and\\\nmore",
        "- one\n- two\n  - three\n\n    four\n- five",
        "3. three\n4. four\n\n   with a second paragraph",
        "> quoted\n> twice\n>\n> - and a list",
        "```python\nprint('`')\n```",
        "    indented code\n    of two lines",
        "| a | b |\n| --- | --- |\n| 1 \\| 2 | `x \\| y` |",
        "Text\n\n---\n\nText",
        "<b>no tag</b> & &amp; &lt; 2 * 3 * 4 \\# [x] _y_ a_b",
        "Look![x](y.md) and look\\![x](y.md)",
        "[x](<a b.md>) [y](a(b).md) <http://example.org/a_b>",
        "1\\. no list\n\\- neither\n\\# nor a heading",
        "Title\n===\n\nUnder\n---",
        "**bold***it* and *a _b_ c*",
    ],
)
def test_what_is_written_anew_shows_the_same(text):
    shown = _html(text)
    for level in range(5, 0, -1):  # headings go down by one
        shown = shown.replace(f"h{level}>", f"h{level + 1}>")
    once = _html(_written(text)).replace('class="language-python"', "")
    assert once.split() == shown.replace('class="language-python"', "").split()


def test_a_heading_that_says_the_title_is_left_out():
    assert _written("# The tide\n\nText", title="The tide") == "Text"


def test_a_link_that_leads_nowhere_leaves_its_words():
    assert _written("see [the tide](x.md)", link=lambda href: None) == "see the tide"


@pytest.mark.parametrize(
    "text",
    ["[x](javascript:alert(1))", "<script>alert(1)</script>", "[x](data:text/html,a)"],
)
def test_nothing_in_a_note_is_run(text):
    html = _html(_written(text))
    assert "<script" not in html
    assert "<a" not in html


@given(st.text(alphabet="ab \n*_`[]()<>#-+1.|!\\&;~=\"'/:", max_size=80))
def test_any_text_says_the_same_when_it_is_written_anew(text):
    once = _written(text)
    assert _letters(once) == _letters(text)


@pytest.mark.parametrize("end", ["", "\\", "\\\\", "  "])
def test_a_heading_of_two_lines_becomes_one(end):
    assert _letters(_written(f"one{end}\ntwo\n===")) == _letters(f"one{end}\ntwo\n===")
    assert "\n" not in _written(f"one{end}\ntwo\n===")


def test_a_table_has_a_head():
    assert table([["a", "b"], ["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
    assert table([]) == ""
