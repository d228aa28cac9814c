"""The facts of an export: the rows of an archive month by month, with the names and days that reports use."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from impressions_analytics.archive.kept_logs import LOG_KINDS, KeptDay, KeptLogs, log_table
from impressions_analytics.archive.merge import in_groups
from impressions_analytics.archive.model import FACTS, Field, fact_fields, log_fields
from impressions_analytics.archive.partitions import MONTH_FILE, KindPartitions
from impressions_analytics.archive.privacy import person_hash, pseudonymise, pseudonymise_log
from impressions_analytics.archive.store import Store
from impressions_analytics.columns import arrow_schema
from impressions_analytics.loader.log_columns import LogKind, log_schema
from impressions_analytics.parquet.layout import ROWS_PER_GROUP
from impressions_analytics.parquet.seal import read_footer

if TYPE_CHECKING:
    import pyarrow as pa

Rows = Callable[[], Iterator["pa.Table"]]


@dataclass(frozen=True)
class Part:
    """Rows of one table that are written together.

    Attributes
    ----------
    month : str
        The month that they are of, such as "2026-01"; empty for a dimension.
    source : str
        Tells whether the rows may have changed since they were written; empty when nobody can know.
    rows : callable
        Gives the rows as Arrow tables, the first of them always.
    """

    month: str
    source: str
    rows: Rows


@dataclass(frozen=True)
class ExportTable:
    """One table of an export.

    Attributes
    ----------
    name, meaning : str
        What it is called, and what a row of it is.
    fields : tuple of Field
        Its columns in order.
    key : tuple of str
        The columns that tell its rows apart; empty where a row has no number of its own.
    parts : tuple of Part
        Its rows.
    utc : bool
        Whether its moments are in UTC.
    """

    name: str
    meaning: str
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    parts: tuple[Part, ...]
    utc: bool

    @property
    def is_fact(self) -> bool:
        """Whether it has months; a dimension has none."""
        return any(part.month for part in self.parts)

    @property
    def source(self) -> str:
        """Tells whether any of its rows may have changed."""
        sources = [f"{part.month}:{part.source}" for part in self.parts]
        return digest(*sources) if all(part.source for part in self.parts) else ""

    def rows(self) -> Iterator[pa.Table]:
        """Give all its rows; the first table comes always, and may be empty."""
        return in_groups_after_first(itertools.chain.from_iterable(part.rows() for part in self.parts))


def in_groups_after_first(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Give an empty table first, and then large ones."""
    first = next(tables)
    yield first.schema.empty_table()
    yield from in_groups(itertools.chain([first], tables))


@dataclass(frozen=True)
class Changes:
    """What is done to the rows of an export.

    Attributes
    ----------
    utc : bool
        Whether moments become instants.
    key : bytes or None
        The key for pseudonyms.
    no_agent : str
        The user agent of rows without one, so that they find their row in the table of user agents.
    zone : str
        The zone of the wall clock.
    """

    utc: bool
    key: bytes | None
    no_agent: str
    zone: str

    @property
    def name(self) -> str:
        """Tells exports with other options apart; it holds a hash of the key at most."""
        key = "" if self.key is None else person_hash(0, "export", self.key)
        return f"{self.utc} {key} {self.no_agent} {self.zone}"

    def model_rows(self, rows: pa.Table, fields: Sequence[Field]) -> pa.Table:
        """Return rows of the archive, after pseudonyms, as rows of a table of the model."""
        import pyarrow as pa
        import pyarrow.compute as pc

        rows = name_agents(rows, self.no_agent)
        columns, at = [], ""
        for field in fields:
            if field.type == "day" and not field.source:
                columns.append(pc.cast(rows[at], pa.date32(), safe=False))
                continue
            at = field.source if field.type == "moment" else at
            moments = field.type == "moment" and self.utc
            columns.append((to_utc(rows, at, self.zone) if moments else rows)[field.source])
        return pa.table(columns, schema=described(fields, columns))


def described(fields: Sequence[Field], columns: Sequence[Any]) -> pa.Schema:
    """Return the schema of some columns, with what each means and points to in the metadata of the field."""
    import pyarrow as pa

    def said(field: Field) -> dict[str, str]:
        points = {"refers_to": f"{field.refers_to}.{field.key_there}"} if field.refers_to else {}
        return {"description": field.meaning, **points}

    return pa.schema([
        pa.field(field.name, column.type, field.nullable, metadata=said(field))
        for field, column in zip(fields, columns, strict=True)
    ])  # fmt: skip


def fact_tables(kinds: Sequence[KindPartitions], changes: Changes, version: str) -> list[ExportTable]:
    """Return the facts of some kinds, and of the daily log files that are kept beside them.

    Parameters
    ----------
    kinds : sequence of KindPartitions
        Where the rows are.
    changes : Changes
        What is done to them.
    version : str
        Tells exports apart that the same rows would come out of differently.
    """
    found = [_fact(partitions, changes, version) for partitions in kinds if partitions.kind in FACTS]
    logs = KeptLogs.beside(kinds[0])
    for kind in (cast("LogKind", one.kind) for one in kinds if one.kind in LOG_KINDS):
        if days := logs.days(kind):
            found.append(_log(kind, logs, days, changes, version))
    return found


def _fact(partitions: KindPartitions, changes: Changes, version: str) -> ExportTable:
    fields = fact_fields(partitions.kind, partitions.family)
    parts = tuple(
        Part(
            cast("Any", MONTH_FILE.match(relative))["month"],
            _source(partitions.store, [relative], partitions.unfinished, changes, version),
            functools.partial(_rows, partitions, relative, changes, fields),
        )
        for relative in partitions.files()
    )
    meaning = f"one row is one of the {partitions.kind}, as Copernica gave it"
    return ExportTable(partitions.kind, meaning, fields, (fields[0].name,), parts, changes.utc)


def _rows(partitions: KindPartitions, relative: str, changes: Changes, fields: Sequence[Field]) -> Iterator[pa.Table]:
    schema = arrow_schema(partitions.kind, partitions.family)
    empty = schema.empty_table()
    for rows in itertools.chain([empty], in_groups(partitions.rows_of(relative, ROWS_PER_GROUP // 4))):
        plain = rows.cast(schema)
        if changes.key is not None:
            plain = pseudonymise(plain, partitions.kind, changes.key)
        yield changes.model_rows(plain, fields)


def _log(kind: LogKind, logs: KeptLogs, days: Sequence[KeptDay], changes: Changes, version: str) -> ExportTable:
    fields = log_fields(kind, logs.family)
    months = itertools.groupby(days, lambda day: f"{day.day:%Y-%m}")
    parts = tuple(_log_part(logs, list(of_month), changes, version, fields) for _, of_month in months)
    return ExportTable(
        log_table(kind), f"one row is a record of the daily log file of {kind}", fields, (), parts, changes.utc
    )


def _log_part(logs: KeptLogs, days: Sequence[KeptDay], changes: Changes, version: str, fields: Sequence[Field]) -> Part:
    source = _source(logs.store, [day.relative for day in days], logs.unfinished, changes, version)
    return Part(f"{days[0].day:%Y-%m}", source, functools.partial(_log_rows, logs, days, changes, fields))


def _log_rows(logs: KeptLogs, days: Sequence[KeptDay], changes: Changes, fields: Sequence[Field]) -> Iterator[pa.Table]:
    """Give the rows of a kind of log; tags become one text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    schema = log_schema(days[0].kind, logs.family)
    of_days = (table for day in days for table in logs.tables(day, schema.names))
    for rows in itertools.chain([schema.empty_table()], in_groups(of_days)):
        plain = rows.cast(schema)
        place = plain.schema.get_field_index("tags")
        plain = plain.set_column(place, pa.field("tags", pa.string()), pc.binary_join(plain["tags"], ";"))
        if changes.key is not None:
            plain = pseudonymise_log(plain, changes.key)
        yield changes.model_rows(plain, fields)


def _source(store: Store, files: Sequence[str], unfinished: object, changes: Changes, version: str) -> str:
    """Tell whether rows may have changed, by the footers of their files: each holds a checksum of the whole file."""
    footers = []
    for relative in files:
        with contextlib.suppress(ValueError), store.open(relative) as file:  # whoever reads it says that it is damaged
            footers.append(hashlib.blake2b(read_footer(file), digest_size=16).hexdigest())
    return "" if unfinished or len(footers) < len(files) else digest(version, changes.name, *footers)


def digest(*texts: str) -> str:
    """Return a short text that two lists of texts share only if they are the same."""
    return hashlib.blake2b("\n".join(texts).encode(), digest_size=16).hexdigest()


def name_agents(rows: pa.Table, no_agent: str) -> pa.Table:
    """Return the rows with a text for the user agent where there is none, so that a join keeps every row."""
    import pyarrow.compute as pc

    index = rows.schema.get_field_index("useragent")
    if index < 0:
        return rows
    known = pc.fill_null(rows["useragent"], "")
    named = pc.if_else(pc.equal(known, ""), no_agent, known)
    return rows.set_column(index, rows.schema.field(index), named)


def to_utc(rows: pa.Table, time: str, zone: str) -> pa.Table:
    """Return the rows of an Arrow table with the wall clock of their column `time` in `zone` as instants in UTC.

    Of the hour that comes twice in autumn the first is taken; a time in the hour that spring leaves out becomes the
    moment after it.

    Examples
    --------
    >>> import datetime as dt, pyarrow as pa
    >>> rows = pa.table({"timestamp": pa.array([dt.datetime(2026, 7, 5, 12)], pa.timestamp("us"))})
    >>> str(to_utc(rows, "timestamp", "Europe/Amsterdam")["timestamp"][0])
    '2026-07-05 10:00:00+00:00'
    """
    import pyarrow as pa

    wall = pd.Series(rows[time].to_numpy())
    local = wall.dt.tz_localize(zone, ambiguous=np.ones(len(wall), dtype=bool), nonexistent="shift_forward")
    instants = pa.array(local.dt.tz_convert("UTC").dt.tz_localize(None), type=pa.timestamp("us"))
    kind = pa.timestamp("us", tz="UTC")
    index = rows.schema.get_field_index(time)
    field = pa.field(time, kind, rows.schema.field(index).nullable)
    return rows.set_column(index, field, instants.cast(kind))
