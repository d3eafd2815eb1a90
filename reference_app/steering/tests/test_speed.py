from reference_app.steering import speed


def test_both_ways_make_the_same_tokens_and_times_are_told():
    record = speed.measure(rounds=1, tokens=4)
    assert record["same_tokens"]
    assert record["batched_cpu_s"] > 0
    assert record["rows"] == 16
