import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.grid.record import CHOICES, Measured
from loadtests.grid.tests.made import measured

seconds = st.floats(0, 1e6)
counts = st.integers(0, 10**9)
few = st.integers(1, 64)
names = st.text(min_size=1, max_size=20)
records = st.builds(
    Measured,
    app=names,
    **{name: st.sampled_from(choices) for name, choices in CHOICES.items()},
    replicas=few,
    concurrency=few,
    prefetch=st.just("deployed") | few.map(str),
    service=names,
    asked_s=seconds,
    payload_bytes=counts,
    arrivals=st.none() | seconds,
    repeat=few,
    seed=counts,
    jobs=counts,
    throughput=seconds,
    service_s=seconds,
    wait_s=st.fixed_dictionaries({"p50": seconds, "p95": seconds, "p99": seconds}),
    memory_mib=seconds,
    cpu_s=seconds,
    broker_cpu_s=seconds,
    backlog=st.lists(st.tuples(seconds, counts), max_size=5),
    failures=st.dictionaries(names, counts, max_size=3),
    busy=st.floats(0, 1),
)


@given(records)
def test_a_record_comes_back_from_json_as_it_was(record):
    assert Measured.from_json(json.loads(json.dumps(record.to_json()))) == record


@given(records)
def test_efficiency_is_the_part_of_what_never_idle_slots_do(record):
    if record.asked_s == 0:
        assert record.efficiency is None
    else:
        ideal = record.slots / record.asked_s
        assert record.efficiency == record.throughput / ideal


@pytest.mark.parametrize("name", [field.name for field in fields(Measured)])
def test_a_field_that_is_missing_is_named(name):
    told = measured().to_json()
    del told[name]
    with pytest.raises(ValueError, match=f"lacks `{name}`"):
        Measured.from_json(told)


def test_a_field_that_is_unknown_is_named():
    with pytest.raises(ValueError, match="has `colour` that no record has"):
        Measured.from_json(measured().to_json() | {"colour": "blue"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("app", ""),
        ("through", "door"),
        ("engine", None),
        ("replicas", 0),
        ("concurrency", 2.5),
        ("prefetch", "many"),
        ("prefetch", 4),
        ("acks", "never"),
        ("arrivals", -1.0),
        ("repeat", True),
        ("throughput", float("nan")),
        ("memory_mib", float("inf")),
        ("wait_s", {"p50": 1.0}),
        ("wait_s", [1.0, 2.0, 3.0]),
        ("backlog", [[1.0]]),
        ("backlog", "none"),
        ("failures", {"lost": -1}),
        ("busy", 1.5),
    ],
)
def test_a_value_that_cannot_be_is_named_with_its_field(name, value):
    with pytest.raises(ValueError, match=f"`{name}` cannot be .*: expected "):
        Measured.from_json(measured().to_json() | {name: value})


def test_slots_are_replicas_times_concurrency():
    assert measured(3, 4).slots == 12


def test_what_a_slot_does_between_jobs_is_the_rest_of_its_time():
    record = measured(2, 4, throughput=50.0, service_s=0.1)
    assert record.between_s == pytest.approx(8 / 50 - 0.1)
    assert measured(throughput=0.0).between_s is None
