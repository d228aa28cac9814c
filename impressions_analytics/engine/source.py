"""Open any kind of data as an Ibis table of the needed columns, and deliver a result as the input's own kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from impressions_analytics.engine.needs import Need
from impressions_analytics.engine.readers import open_native
from impressions_analytics.engine.results import to_pandas


@dataclass(frozen=True)
class Source:
    """An input that is ready to be computed on.

    Attributes
    ----------
    table : ibis.Table
        The needed columns only, in their normal types.
    backend : ibis backend
        Where expressions of the table run.
    native : object or None
        What wraps an expression into the input's own lazy kind; None where results are pandas frames.
    """

    table: Any
    backend: Any
    native: Any = None

    @property
    def lazy(self) -> bool:
        """Whether results stay lazy."""
        return self.native is not None

    def also(self, data: Any, need: Need) -> Any:
        """Return a further input as a table that can be joined with this one, fetched through Arrow if need be."""
        import ibis

        table, backend, _ = open_native(data, need, self.backend)
        table = _normal(table, need)
        return table if backend is self.backend else ibis.memtable(backend.to_pyarrow(table))

    def fetch(self, expression: Any) -> Any:
        """Compute a small expression now, as an Arrow table."""
        return self.backend.to_pyarrow(expression)

    def deliver(self, expression: Any, dtypes: Mapping[str, str]) -> Any:
        """Return an expression as the input's kind of result, with the columns of `dtypes` in their order."""
        expression = expression.select(*dtypes) if list(expression.columns) != list(dtypes) else expression
        return self.native(expression) if self.native else to_pandas(self.fetch(expression), dtypes)


def open_source(data: Any, need: Need) -> Source:
    """Open data of any welcome kind.

    Raises
    ------
    InvalidArgumentError
        The data is of a kind that nothing reads, or there is no Parquet file at the path.
    MissingColumnError
        A needed column is absent or of a wrong type.
    """
    table, backend, native = open_native(data, need, None)
    return Source(_normal(table, need), backend, native)


def _normal(table: Any, need: Need) -> Any:
    """Take the needed columns in their normal types; a cast only where it is needed keeps the query plain."""
    import ibis

    targets = need.targets(table.schema().to_pyarrow())
    types = ibis.schema(targets)
    casts = {
        name: table[name] if _same(table[name].type(), type_) else table[name].cast(type_)
        for name, type_ in types.items()
    }
    return table.select(**casts)


def _same(one: Any, other: Any) -> bool:
    return bool(one.copy(nullable=True) == other.copy(nullable=True))
