import io

import pytest
from rich.console import Console

from reference_app.agent import pipeline
from reference_app.agent.phase_table import PhaseTable, counted


def follow(table, reports):
    for percent, message, data in reports:
        table.see(percent, message, data)
    return [row.state for row in table.rows.values()]


def drawn(table):
    console = Console(file=io.StringIO(), width=80)
    console.print(table)
    return console.file.getvalue()


def told(phase, status, step=None, **data):
    return 0, "said", {"phase": phase, "step": step or phase, "status": status, **data}


def test_a_run_goes_from_waiting_to_done(run, new_context):
    ctx = new_context()
    report = run(ctx=ctx)
    table = PhaseTable()
    assert follow(table, []) == ["waiting"] * 7
    assert "Waiting for a worker" in drawn(table)
    assert follow(table, ctx.reports) == ["done"] * 7
    table.end("completed", report.to_json())
    page = drawn(table)
    assert page.count("done") == 2 * 7
    assert "synthesis generation  done       ━━━━━━━━━━━━━━  2 done" in page
    assert len(page.splitlines()) == 7


def test_at_any_moment_one_phase_runs_at_most_and_bars_never_go_back(run, new_context):
    ctx = new_context()
    run(ctx=ctx, skip_synthesis_generation=True)
    table, before = PhaseTable(), [0.0] * 7
    for each in ctx.reports:
        states = follow(table, [each])
        assert states.count("running") <= 1
        shares = [row.share for row in table.rows.values()]
        assert all(new >= old for new, old in zip(shares, before, strict=True))
        before = shares
    assert states == ["done"] * 3 + ["skipped"] + ["done"] * 3


def test_a_step_moves_the_bar_of_its_phase():
    table = PhaseTable()
    content = table.rows["content_processing"]
    follow(table, [told("content_processing", "running", "llm", current=1, total=2)])
    assert content.said == "llm 1 of 2"
    assert content.share == pytest.approx((14 + 9 + 15) / 68)
    follow(table, [told("content_processing", "completed", "kb_item")])
    assert (content.state, content.share) == ("running", 1)


def test_what_was_missed_is_taken_for_done():
    states = follow(PhaseTable(), [told("readme_generation", "running")])
    assert states == ["done"] * 5 + ["running", "waiting"]


def test_a_second_attempt_begins_anew():
    table = PhaseTable()
    follow(table, [told("git_sync", "running")])
    states = follow(table, [told("fetch_bookmarks", "running")])
    assert states == ["done", "running"] + ["waiting"] * 5


def test_what_is_no_phase_is_only_said():
    table = PhaseTable()
    states = follow(table, [(0, "Waiting for another run to end", {"phase": None})])
    assert states == ["waiting"] * 7
    assert "Waiting for another run to end" in drawn(table)


def test_a_state_that_was_polled_names_its_phase():
    table = PhaseTable()
    states = follow(table, [(40, "Llm: a.md", {"phase": "content_processing"})])
    assert states[2] == "running"
    assert "40 %" in drawn(table)


@pytest.mark.parametrize("ending", ["failed", "cancelled"])
def test_an_ending_shows_where_it_came(ending):
    table = PhaseTable()
    follow(table, [told("content_processing", "running")])
    table.end(ending)
    states = [row.state for row in table.rows.values()]
    assert states == ["done", "done", ending] + ["waiting"] * 4


def test_counts_are_told_without_zeros_and_fit_a_console():
    assert counted({"done": 3, "unchanged": 0, "failed": 1}) == "3 done, 1 failed"
    assert counted({"status": "completed"}) == ""
    table = PhaseTable()
    counts = {"done": 39, "unchanged": 10, "failed": 2}
    table.end("completed", {"phases": dict.fromkeys(pipeline.ALL, counts)})
    assert drawn(table).count("39 done, 10 unchanged, 2 failed\n") == 7
