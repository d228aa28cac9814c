"""Several pieces of work at once: numpy and pyarrow leave Python's lock while they compute."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

CORES = os.cpu_count() or 1


def in_parallel(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yield what a function gives for each item, in order; no more items are taken than are worked on and one.

    Examples
    --------
    >>> list(in_parallel(len, ["one", "three"]))
    [3, 5]
    """
    coming = iter(items)
    first = list(islice(coming, 2))
    if len(first) < 2:
        yield from map(function, first)
        return
    running: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(CORES) as pool:
        for item in chain(first, coming):
            running.append(pool.submit(function, item))
            if len(running) > CORES:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
