"""What analyses say often, in the way that every engine understands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def nulls_last(names: Iterable[str]) -> list[Any]:
    """Return the sort keys for these columns, ascending, with nulls at the end on every engine."""
    import ibis

    return [ibis._[name].asc(nulls_first=False) for name in names]


def whole_numbers(name: str, count: int) -> Any:
    """Return a table of one column with the numbers from 0 up to `count`, as 64-bit integers."""
    import ibis

    # Spark makes rows of an array only where nothing is around it: the cast comes after.
    return ibis.range(count).unnest().name(name).as_table().mutate(ibis._[name].cast("int64").name(name))
