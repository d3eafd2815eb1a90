"""Whole numbers of a request as JSON has them: 5.0 is one, `true` and "5" are none.

OpenAPI's `integer` says the same. To be used in models that are strict.
"""

from typing import Annotated, Any

from pydantic import BeforeValidator


def _exactly(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_exactly)]
