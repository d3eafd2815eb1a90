import json

from loadtests.churn import _Counts


def line(source, kind, **data):
    return json.dumps({"source": source, "kind": kind, "data": data}) + "\n"


def test_what_is_not_written_to_its_end_is_counted_later_and_nothing_twice(tmp_path):
    history = tmp_path / "run" / "a_test" / "history.jsonl"
    history.parent.mkdir(parents=True)
    count = _Counts(tmp_path)
    assert count() == {}
    told = [
        line("driver", "submitted"),
        line("driver", "event", event="progress"),
        line("fault", "injected", fault="kill_child", bit=True),
        line("fault", "injected", fault="kill_child", bit=False),
        line("driver", "event", event="failed"),
    ]
    text = "".join(told)
    for end in (len(told[0]), len(text) - 5, len(text), len(text)):
        history.write_text(text[:end])
        seen = count()
    assert seen == {"submitted": 1, "kill_child": 1, "ended": 1}
    history.write_text(text[: len(text) - 5])
    assert _Counts(tmp_path)() == {"submitted": 1, "kill_child": 1}
