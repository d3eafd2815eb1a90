from dataclasses import fields

from reference_app.agent.phases import (
    CONTENT,
    PHASES,
    STEPS,
    WARNINGS,
    Counts,
    Preferences,
    Progress,
)


def test_there_are_seven_phases_that_weigh_a_hundred():
    assert len(PHASES) == 7
    assert sum(phase.weight for phase in PHASES) == 100


def test_every_preference_is_of_a_phase_or_a_step():
    known = {flag for part in (*PHASES, *STEPS) for flag in (part.skip, part.force)}
    named = {each.name for each in fields(Preferences)}
    assert known - {""} == named - {"generate_text"}


def test_each_part_takes_its_share_of_the_percent(new_context):
    ctx = new_context()
    phases = [phase for phase in PHASES if phase.name in ("initialization", CONTENT)]
    first, content = phases
    progress = Progress(ctx, [first, *STEPS])
    progress.start(first)
    progress.end(first, Counts(done=1))
    progress.start(content)
    for step in STEPS:
        progress.start(step, CONTENT)
        progress.advance(1, 2, "half")
        progress.end(step, Counts())
    progress.end(content, Counts())
    whole = first.weight + content.weight
    percents = [percent for percent, _, _ in ctx.reports]
    assert percents == sorted(percents)
    assert percents[1] == 100 * first.weight / whole
    assert percents[4] == 100 * (first.weight + STEPS[0].weight / 2) / whole
    assert percents[-1] == 99
    _, text, data = ctx.reports[4]
    assert text == "Cache: half"
    assert data == {
        "phase": CONTENT,
        "step": "cache",
        "status": "running",
        "current": 1,
        "total": 2,
    }
    assert ctx.reports[-1][2]["phase"] == CONTENT


def test_a_part_that_is_skipped_says_so(new_context):
    ctx = new_context()
    Progress(ctx, PHASES).skip(PHASES[1])
    percent, _, data = ctx.reports[0]
    assert (percent, data["phase"], data["status"]) == (0, PHASES[1].name, "skipped")


def test_what_is_left_out_is_a_line_of_its_own_up_to_a_bound(new_context):
    ctx = new_context()
    progress = Progress(ctx, PHASES)
    progress.start(PHASES[1])
    progress.advance(3, 4, "three")
    for number in range(WARNINGS + 5):
        progress.warn(f"note {number} is missing")
    percent, text, data = ctx.reports[2]
    assert (percent, text) == (ctx.reports[1][0], "note 0 is missing")
    assert (data["level"], data["current"], data["total"]) == ("WARNING", 3, 4)
    assert len(ctx.reports) == 2 + WARNINGS
