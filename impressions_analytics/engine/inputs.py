"""Open any kind of data as an Ibis table of the needed columns, and deliver a result as the input's own kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from impressions_analytics.engine.backend import Engine
from impressions_analytics.engine.origins import check_family, origin_of
from impressions_analytics.engine.readers import arrow_table, embedded, is_frame, is_path, open_native
from impressions_analytics.engine.required_columns import RequiredColumns
from impressions_analytics.engine.results import to_pandas
from impressions_analytics.errors import MissingColumnError


@dataclass(frozen=True, slots=True)
class AtHand:
    """A frame in memory.

    Attributes
    ----------
    table : pyarrow.Table
        Its needed columns, as they are.
    required : RequiredColumns
        Which these are.
    """

    table: Any
    required: RequiredColumns

    def opened(self, engine: Engine, **columns: Any) -> Any:
        """Return the rows as an Ibis table, in their normal types, with Arrow columns added beside them."""
        table = self.table
        for name, column in columns.items():
            table = table.append_column(name, column)
        return _normal(engine.small(table), self.required, also=columns)


@dataclass(frozen=True, slots=True)
class AnalysisInput:
    """An input that is ready to be computed on.

    Attributes
    ----------
    table : ibis.Table
        The needed columns only, in their normal types.
    engine : Engine
        Where expressions of the table are computed.
    family : str or None
        The product family of the rows, as far as they say.
    frame : AtHand or None
        The rows as Arrow columns, where they are a frame in memory.
    """

    table: Any
    engine: Engine
    family: str | None = None
    frame: AtHand | None = None

    @property
    def lazy(self) -> bool:
        """Whether results stay lazy."""
        return self.engine.wrap is not None

    def also(self, data: Any, required: RequiredColumns) -> Any:
        """Return a further input as a table that can be joined with this one, fetched through Arrow if need be."""
        check_family(self.family, origin_of(data, required.kind).family, required.kind)
        table, engine = open_native(data, required, self.engine)
        table = _normal(table, required)
        return table if engine.backend is self.engine.backend else self.engine.small(engine.fetch(table))

    def deliver(self, expression: Any, dtypes: Mapping[str, str]) -> Any:
        """Return an expression as the input's kind of result, with the columns of `dtypes` in their order."""
        expression = expression if list(expression.columns) == list(dtypes) else expression.select(*dtypes)
        return self.engine.wrap(expression) if self.engine.wrap else to_pandas(self.engine.fetch(expression), dtypes)


def open_input(data: Any, required: RequiredColumns) -> AnalysisInput:
    """Open data of any welcome kind.

    Raises
    ------
    InvalidArgumentError
        The data is of a kind that nothing reads, or there is no Parquet file at the path.
    MissingColumnError
        A needed column is absent or of a wrong type.
    AnalysisError
        The data says that it is of another kind.
    """
    origin = origin_of(data, required.kind)
    if is_frame(data):
        engine, frame = embedded(), AtHand(arrow_table(data, required), required)
        return AnalysisInput(frame.opened(engine), engine, origin.family, frame)
    table, engine = open_native(data, required)
    try:
        return AnalysisInput(_normal(table, required), engine, origin.family)
    except MissingColumnError as error:
        raise (MissingColumnError(f"{data}: {error}") if is_path(data) else error) from None


def _normal(table: Any, required: RequiredColumns, *, also: Iterable[str] = ()) -> Any:
    """Take the needed columns in their normal types; a cast only where it is needed keeps the query plain."""
    import ibis

    targets = required.targets(table.schema().to_pyarrow())
    types = ibis.schema(targets)
    casts = {
        name: table[name] if _same(table[name].type(), type_) else table[name].cast(type_)
        for name, type_ in types.items()
    }
    return table.select(**casts, **{name: table[name] for name in also})


def _same(one: Any, other: Any) -> bool:
    return bool(one.copy(nullable=True) == other.copy(nullable=True))
