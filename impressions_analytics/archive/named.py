"""What the facts of an export name: mailings, recipients, user agents and so on, read in one pass over the rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from impressions_analytics.archive.kept_logs import LOG_KINDS, KeptLogs
from impressions_analytics.archive.model import FACTS
from impressions_analytics.archive.partitions import KindPartitions
from impressions_analytics.columns import arrow_schema, time_column
from impressions_analytics.loader.log_columns import LogKind, log_schema
from impressions_analytics.parquet.layout import ROWS_PER_GROUP

if TYPE_CHECKING:
    import pyarrow as pa

_KEYS = ("mailing", "useragent", "email_domain", "country")
"""The columns whose values become rows of dimensions; profiles come with the moments at which they were seen."""


@dataclass
class Named:
    """What the facts name.

    Attributes
    ----------
    values : dict of str to set
        The distinct values of each column that a dimension is made of; a missing user agent is an empty text.
    countries : dict of str to str
        The name of each country.
    seen : pyarrow.Table or None
        Each profile with the first and the last moment at which it was seen.
    first, last : date or None
        The days between which everything happened.
    """

    values: dict[str, set[Any]] = field(default_factory=lambda: {name: set() for name in _KEYS})
    countries: dict[str, str | None] = field(default_factory=dict)
    seen: pa.Table | None = None
    first: dt.date | None = None
    last: dt.date | None = None
    has_agents: bool = False
    has_places: bool = False

    def add(self, rows: pa.Table, time: str) -> None:
        """Take in some rows, whose column `time` says when they happened."""
        for name in _KEYS:
            if name in rows.column_names:
                self.values[name].update(rows[name].unique().to_pylist())
        if "country_name" in rows.column_names:
            pairs = rows.group_by(["country", "country_name"]).aggregate([]).to_pylist()
            self.countries |= {pair["country"]: pair["country_name"] for pair in pairs}
        self.see(rows["profile"], rows[time])
        self.happened(rows[time])

    def see(self, profiles: Any, moments: Any) -> None:
        """Take in when some profiles were seen."""
        import pyarrow as pa

        fresh = _first_and_last(pa.table({"profile": profiles, "first": moments, "last": moments}))
        self.seen = fresh if self.seen is None else _first_and_last(pa.concat_tables([self.seen, fresh]))

    def happened(self, moments: Any) -> None:
        """Take in when something happened."""
        import pyarrow.compute as pc

        ends = pc.min_max(moments).as_py()
        if ends["min"] is not None:
            self.first = min(self.first or ends["min"].date(), ends["min"].date())
            self.last = max(self.last or ends["max"].date(), ends["max"].date())


def _first_and_last(rows: pa.Table) -> pa.Table:
    known = rows.filter(rows["profile"].is_valid())
    counted = known.group_by("profile").aggregate([("first", "min"), ("last", "max")])
    return counted.select(["profile", "first_min", "last_max"]).rename_columns(["profile", "first", "last"])


def read_named(kinds: Sequence[KindPartitions]) -> Named:
    """Read what the facts of some kinds name, and those of the daily log files beside them."""
    named = Named()
    for partitions in (one for one in kinds if one.kind in FACTS):
        names = arrow_schema(partitions.kind, partitions.family).names
        time = time_column(partitions.kind)
        columns = [name for name in (*_KEYS, "profile", time) if name in names]
        named.has_agents |= "useragent" in names
        for rows in _batches(partitions, columns):
            named.add(rows, time)
    logs = KeptLogs.beside(kinds[0])
    for kind in (cast("LogKind", one.kind) for one in kinds if one.kind in LOG_KINDS):
        names = log_schema(kind, logs.family).names
        wanted = [name for name in (*_KEYS, "country_name", "profile", "timestamp") if name in names]
        for day in logs.days(kind):
            named.has_places = True
            named.has_agents |= "useragent" in names
            for rows in logs.tables(day, wanted):
                named.add(rows, "timestamp")
    return named


def _batches(partitions: KindPartitions, columns: list[str]) -> Iterator[pa.Table]:
    for relative in partitions.files():
        yield from partitions.rows_of(relative, ROWS_PER_GROUP // 4, columns)
