"""Does one thing to several at the same time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def all_at_once(do: Callable[[T], object], each: Sequence[T]) -> None:
    """Do it for each in a thread of its own; when all are done, raise the first error.

    A container takes half a second to start, most of it spent waiting.
    """
    if not each:
        return
    with ThreadPoolExecutor(len(each)) as threads:
        done = [threads.submit(do, one) for one in each]
    for one in done:
        one.result()
