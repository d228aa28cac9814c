"""Take frames with their certificates into an archive: checked, cut by month, kept as pieces, merged."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from impressions_analytics.archive.partitions import KindPartitions
from impressions_analytics.archive.periods import Period, Stretch, split_months
from impressions_analytics.archive.rewriting import Merged, merge_month, month_of
from impressions_analytics.columns import time_column
from impressions_analytics.errors import ArchiveError
from impressions_analytics.parquet.tables import identify, to_table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

PIECES_AT_ONCE = 32
"""A month with this many pieces is merged before it is complete, so that merging keeps a bound on memory."""


@dataclass
class Intake:
    """Takes the frames of one kind into the archive.

    Attributes
    ----------
    months : KindPartitions
        Where they go.
    suppress : callable
        Returns the rows of a table that may be kept.
    requests, suppressed : int
        Calls of the loads so far, and rows left out.
    verdicts : set of str
        The verdicts so far.
    merged : list of Merged
        What was merged so far.
    """

    partitions: KindPartitions
    suppress: Callable[[pa.Table], pa.Table] = field(default=lambda rows: rows)
    requests: int = 0
    suppressed: int = 0
    verdicts: set[str] = field(default_factory=set)
    merged: list[Merged] = field(default_factory=list)

    def take(self, frame: pd.DataFrame, *, emailing: int | None, loaded_at: datetime) -> Stretch:
        """Keep a frame as pieces, safe from a crash when this returns, and return the stretch that it answers for.

        Raises
        ------
        ArchiveError
            The frame is not what its certificate says.
        """
        load = frame.attrs.get("load") or {}
        stretch = self._certified(frame, load)
        kind, family = identify(frame, kind=self.partitions.kind)
        if family != self.partitions.family and load.get("family"):
            raise ArchiveError(f"rows of family {family!r} do not go into an archive of {self.partitions.family!r}")
        rows = self._in_order(to_table(frame, kind, self.partitions.family))
        allowed = self.suppress(rows)
        self.suppressed += rows.num_rows - allowed.num_rows
        self.requests += int(load.get("requests") or 0)
        self.verdicts.add(load["verdict"])
        times = allowed[time_column(kind)].to_numpy()
        for begin, end in split_months(stretch):
            start, stop = np.searchsorted(times, [np.datetime64(begin, "us"), np.datetime64(end, "us")])
            part = allowed.slice(start, stop - start).unify_dictionaries()
            period = Period(begin, end, emailing, part.num_rows, load["verdict"], loaded_at)
            self.partitions.put_pending(part, period)
        self.merge(before=f"{stretch[1]:%Y-%m}")
        return stretch

    def merge(self, *, before: str | None = None) -> None:
        """Merge the pieces of every month; or of the months before one, and of those with many pieces."""
        parts = self.partitions.parts()
        for month in sorted({month_of(part) for part in parts}):
            of_month = [part for part in parts if month_of(part) == month]
            if before is None or month < before or len(of_month) >= PIECES_AT_ONCE:
                self.merged.append(merge_month(self.partitions, month, of_month))

    def _certified(self, frame: pd.DataFrame, load: dict[str, Any]) -> Stretch:
        """Return what a certificate answers for, after checking that the frame is what it says."""
        missing = [name for name in ("begin", "end", "rows", "verdict") if load.get(name) is None]
        if missing:
            raise ArchiveError(f"a frame of {self.partitions.kind} has no certificate ({missing[0]!r} is absent)")
        begin, end = datetime.fromisoformat(load["begin"]), datetime.fromisoformat(load["end"])
        if load["verdict"] not in ("complete", "unproven") or load["rows"] != len(frame):
            raise ArchiveError(
                f"{self.partitions.kind} from {begin} to {end}: {len(frame)} rows with a certificate of {load['rows']} "
                f"rows and the verdict {load['verdict']!r}; nothing of it was kept: sync again"
            )
        times = frame[time_column(self.partitions.kind)]
        if len(frame) and not (begin <= times.min() and times.max() < end):
            raise ArchiveError(
                f"{self.partitions.kind} from {begin} to {end}: rows from {times.min()} to {times.max()} lie outside; "
                "nothing of it was kept: sync again"
            )
        return begin, end

    def _in_order(self, rows: pa.Table) -> pa.Table:
        times = rows[time_column(self.partitions.kind)].to_numpy()
        ids = rows["ID"].to_numpy()
        order = np.lexsort((ids, times))
        if (order[1:] > order[:-1]).all():
            return rows
        return rows.unify_dictionaries().take(order)


def total(merged: Iterable[Merged], name: str) -> int:
    """Add up one figure of several merges."""
    return sum(getattr(one, name) for one in merged)
