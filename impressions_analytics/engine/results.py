"""The types of result columns, and the one way from an expression to a pandas frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from impressions_analytics.engine.required_columns import RequiredColumns

if TYPE_CHECKING:
    import pandas as pd


def dtype_of(name: str, required: RequiredColumns, table: Any) -> str:
    """Return the pandas type of a grouping column in a result: the typed frame's own where it is known."""
    column = required.known(name)
    if column:
        return column.pandas_type
    type_ = table[name].type()
    return next((dtype for asks, dtype in _DTYPES if getattr(type_, asks)()), "object")


_DTYPES = (
    ("is_integer", "Int64"),
    ("is_string", "str"),
    ("is_timestamp", "datetime64[us]"),
    ("is_boolean", "boolean"),
    ("is_floating", "float64"),
)


def to_pandas(table: Any, dtypes: Mapping[str, str]) -> pd.DataFrame:
    """Turn an Arrow table into a pandas frame of exactly these columns and types; integers never pass a float.

    A column of whole numbers that has nulls is nullable, whatever was promised of it.

    Examples
    --------
    >>> import pyarrow as pa
    >>> to_pandas(pa.table({"profile": [2**60 + 1, None]}), {"profile": "Int64"})["profile"].tolist()
    [1152921504606846977, <NA>]
    """
    import pandas as pd

    columns = {name: _series(table.column(name), dtype) for name, dtype in dtypes.items()}
    return pd.DataFrame(columns, columns=list(dtypes))


def _series(column: Any, dtype: str) -> pd.Series[Any]:
    import pandas as pd

    if dtype == "Int64" or (dtype == "int64" and column.null_count):
        return column.to_pandas(types_mapper={column.type: pd.Int64Dtype()}.get)  # type: ignore[no-any-return]
    series = column.to_pandas()
    return series if dtype == "object" else series.astype(dtype)  # type: ignore[no-any-return]
