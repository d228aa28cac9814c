"""What an erasure or a retention that was cut short still has to remove: readers leave it out at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from impressions_analytics.archive.privacy import person_columns
from impressions_analytics.archive.suppression import Suppression
from impressions_analytics.columns import Kind, time_column

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Unfinished:
    """What was begun and has not ended.

    Attributes
    ----------
    erasure : Suppression or None
        The list of erased persons, when rows of theirs may still be in the files.
    keep_from : datetime or None
        Rows from before this moment may still be in the files.
    """

    erasure: Suppression | None = None
    keep_from: datetime | None = None

    def __bool__(self) -> bool:
        return self.erasure is not None or self.keep_from is not None

    def begin_of(self, kind: Kind) -> datetime | None:
        """Return the moment before which rows of a kind are to go; the list of emailings stays."""
        return None if kind == "emailings" else self.keep_from

    def columns(self, kind: Kind) -> list[str]:
        """Return the columns that `stays` looks at."""
        times = [time_column(kind)] if self.begin_of(kind) else []
        return [*times, *(person_columns(kind) if self.erasure else ())]

    def stays(self, kind: Kind, rows: pa.Table) -> Any:
        """Say of each row whether it stays, as a numpy array of booleans."""
        mask = np.ones(rows.num_rows, dtype=bool) if self.erasure is None else self.erasure.stays(kind, rows)
        begin = self.begin_of(kind)
        return mask if begin is None else mask & (rows[time_column(kind)].to_numpy() >= np.datetime64(begin, "us"))

    def filter(self, kind: Kind, rows: pa.Table) -> pa.Table:
        """Return the rows that stay."""
        return rows.filter(self.stays(kind, rows)) if self else rows

    def describe(self) -> Iterable[str]:
        """Say what was begun and has not ended."""
        if self.erasure is not None:
            yield "an erasure was cut short: reading leaves its rows out, and the next sync removes them"
        if self.keep_from is not None:
            yield (
                f"a retention from {self.keep_from} was cut short: reading leaves older rows out, and the next sync "
                "removes them"
            )


NOTHING_UNFINISHED = Unfinished()
