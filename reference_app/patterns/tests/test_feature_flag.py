import pytest

from reference_app.patterns.feature_flag import FeatureFlag


def test_a_whole_flag_sends_all_jobs_one_way():
    ids = [str(n) for n in range(100)]
    assert {FeatureFlag("new", "old").path(i) for i in ids} == {"new"}
    assert {FeatureFlag("new", "old", share=0).path(i) for i in ids} == {"old"}


def test_a_share_sends_about_that_part_and_always_the_same():
    flag = FeatureFlag("new", "old", share=0.25)
    ids = [f"user-{n}" for n in range(2000)]
    paths = [flag.path(i) for i in ids]
    assert 400 < paths.count("new") < 600
    assert paths == [flag.path(i) for i in ids]


def test_a_larger_share_takes_nobody_off_the_new_way():
    ids = [f"user-{n}" for n in range(500)]
    quarter, half = (FeatureFlag("new", "old", share) for share in (0.25, 0.5))
    assert all(half.path(i) == "new" for i in ids if quarter.path(i) == "new")


def test_a_share_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"`share` is 1\.5"):
        FeatureFlag("new", "old", share=1.5)
