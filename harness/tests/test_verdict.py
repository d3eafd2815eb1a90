import json

import pytest

from harness.verdict import (
    ExitCode,
    Status,
    Verdict,
    exit_code,
    holds,
    inconclusive,
    merge,
    violated,
    worst,
)

H, V, I = Status.HOLDS, Status.VIOLATED, Status.INCONCLUSIVE  # noqa: E741


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([H, H], H),
        ([H, I], I),
        ([I, V, H], V),
        ([V, H], V),
        ([], I),
    ],
)
def test_violated_beats_inconclusive_beats_holds_and_nothing_is_inconclusive(
    statuses, expected
):
    assert worst(statuses) is expected


def test_the_merged_verdict_speaks_for_the_worst_and_keeps_the_largest_numbers():
    merged = merge(
        [
            holds("fine", measured={"gap_s": 0.2}),
            violated("late", measured={"gap_s": 4.0}, job="a", evidence=(3,)),
            violated("later", measured={"gap_s": 3.0}),
        ],
        nothing="none",
    )
    assert merged.status is V
    assert merged.summary == "late (and 1 more like it)"
    assert merged.evidence == (3,)
    assert merged.measured == {"gap_s": 4.0}


def test_merging_nothing_is_inconclusive():
    assert merge([], nothing="No job ran.") == inconclusive("No job ran.")


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        ([H], ExitCode.HOLDS),
        ([H, V, I], ExitCode.VIOLATED),
        ([H, I], ExitCode.INCONCLUSIVE),
        ([], ExitCode.HOLDS),
    ],
)
def test_exit_codes_keep_the_answers_apart(statuses, code):
    assert exit_code(statuses) is code


def test_a_verdict_survives_json():
    verdict = violated(
        "late", evidence=(1, 2), measured={"gap_s": 1.5}, job="a", timed=True
    )
    assert Verdict.from_dict(json.loads(json.dumps(verdict.to_dict()))) == verdict
