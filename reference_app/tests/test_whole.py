import pytest
from pydantic import TypeAdapter, ValidationError

from reference_app.whole import Whole

NUMBER = TypeAdapter(Whole)


def test_a_number_without_a_fraction_is_whole_however_it_is_written():
    assert [NUMBER.validate_python(n, strict=True) for n in (5, 5.0)] == [5, 5]


@pytest.mark.parametrize("value", [True, "5", 5.5, float("inf"), None])
def test_anything_else_is_not(value):
    with pytest.raises(ValidationError):
        NUMBER.validate_python(value, strict=True)
