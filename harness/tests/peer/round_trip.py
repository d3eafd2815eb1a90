"""What a test costs here: a stack, one task, its result. Run by name, for its time."""

import pytest
from tasks import add


@pytest.mark.parametrize("number", range(8))
def test_round_trip(celery_setup, number):
    assert add.delay(1, number).get(timeout=60) == 1 + number
