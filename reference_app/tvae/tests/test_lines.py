import pytest

from reference_app.tvae.lines import LONGEST, Lines, Said, parse


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Epoch 50/300, Loss: 0.0423", Said(50, 300, 0.0423)),
        ("Epoch 50/300, Loss: -12.5", Said(50, 300, -12.5)),
        ("epoch [50/300] loss=-1.5e-3", Said(50, 300, -0.0015)),
        ("INFO Epoch: 7 of 10 | train_loss: .5", Said(7, 10, None)),
        ("Epoch 7 of 10 - loss .5", Said(7, 10, 0.5)),
        ("EPOCH 3", Said(3)),
        ("Epoch 3/10, Loss: nan", Said(3, 10)),
        ("Epoch 3/10, Loss: inf", Said(3, 10)),
        ("Epoch 3/10, Loss: 1e999", Said(3, 10)),
        ("Epoch 3/10, Loss: 0.5abc", Said(3, 10)),
        ("45%", Said(percent=45)),
        (" 12.5 %|████      | 12/96", Said(percent=12.5)),
        ("Epoch 5/10 (50%)", Said(5, 10, None, 50)),
        ("200% faster, epoch 4/8", Said(4, 8)),
    ],
)
def test_what_a_line_says(line, said):
    assert parse(line) == said


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Loading data ...",
        "Loss: 0.5",
        "Epoch ?/?",
        "Epoch -3/10",
        "epochs",
        "epochal change of 7",
        "Warning: GPU\x00 not found",
        "��� ��",
        "Epoch 99999999999999999999999999/3",
        "x" * LONGEST + "Epoch 3/10",
    ],
)
def test_a_line_that_says_nothing_is_no_error(line):
    assert parse(line) in (None, Said())


def test_lines_come_out_whole_however_the_bytes_arrive():
    data = "one\r\ntwo\rdré\n\n  \nlast".encode()
    for size in (1, 2, 3, 100):
        lines = Lines()
        found = []
        for start in range(0, len(data), size):
            found += lines.feed(data[start : start + size])
        assert [*found, *lines.end()] == ["one", "two", "dré", "last"]


def test_bytes_that_are_no_text_are_still_a_line():
    (line,) = Lines().feed(b"\xff\xfe Epoch 3/10\n")
    assert parse(line) == Said(3, 10)


def test_a_line_that_never_ends_does_not_fill_the_memory():
    lines = Lines()
    for _ in range(20):
        assert list(lines.feed(b"x" * 100_000)) == []
    (line,) = lines.end()
    assert len(line) == 4 * LONGEST
