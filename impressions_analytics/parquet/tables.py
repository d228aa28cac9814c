"""A typed frame as an Arrow table with the schema on disk, and back: the one place that converts between the two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from impressions_analytics.columns import KINDS, Column, Family, Kind, arrow_schema, columns_of
from impressions_analytics.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa


def identify(frame: pd.DataFrame, *, kind: Kind | None = None) -> tuple[Kind, Family]:
    """Say what the rows of a frame are, from its certificate or else from its columns.

    Raises
    ------
    InvalidArgumentError
        The columns are not those of one kind; the message names what is missing and what is too many.

    Examples
    --------
    >>> identify(pd.DataFrame(columns=[column.name for column in columns_of("deliveries")]))
    ('deliveries', 'ms')
    """
    load = frame.attrs.get("load") or {}
    names = set(map(str, frame.columns))
    candidates: list[tuple[Kind, Family]] = [(name, family) for name in KINDS for family in ("ms", "publisher")]
    wanted_kind, wanted_family = kind or load.get("kind"), load.get("family")
    if wanted_kind is not None and wanted_kind not in KINDS:
        raise InvalidArgumentError(f"kind={wanted_kind!r} is no kind of row; use one of {', '.join(KINDS)}")
    candidates = [
        (name, family) for name, family in candidates
        if wanted_kind in (None, name) and (wanted_family is None or wanted_family == family)
    ]  # fmt: skip
    for name, family in candidates:
        if names == {column.name for column in columns_of(name, family)}:
            return name, family
    raise InvalidArgumentError(_mismatch(names, candidates))


def _mismatch(names: set[str], candidates: Sequence[tuple[Kind, Family]]) -> str:
    def distance(candidate: tuple[Kind, Family]) -> int:
        return len(names ^ {column.name for column in columns_of(*candidate)})

    kind, family = min(candidates, key=distance)
    wanted = [column.name for column in columns_of(kind, family)]
    missing = [name for name in wanted if name not in names]
    extra = sorted(names - set(wanted))
    return (
        f"the columns are not those of {kind} ({family}): missing {missing or 'none'}, too many {extra or 'none'}. "
        "A snapshot holds exactly the columns that were loaded; use frame.to_parquet for a frame of your own"
    )


def to_table(frame: pd.DataFrame, kind: Kind, family: Family) -> pa.Table:
    """Return a typed frame as an Arrow table with exactly the schema on disk; categories stay dictionaries.

    Raises
    ------
    InvalidArgumentError
        A column holds what its type does not; the message names the column.
    """
    import pyarrow as pa

    columns = columns_of(kind, family)
    schema = arrow_schema(kind, family)
    arrays = [_to_arrow(frame[column.name], column, schema.field(column.name).type) for column in columns]
    fields = [pa.field(column.name, array.type, column.nullable) for column, array in zip(columns, arrays, strict=True)]
    return pa.table(arrays, schema=pa.schema(fields))


def _to_arrow(series: pd.Series, column: Column, wanted: pa.DataType) -> pa.Array | pa.ChunkedArray:
    import pyarrow as pa

    if isinstance(series.dtype, pd.DatetimeTZDtype):
        raise InvalidArgumentError(
            f"column {column.name!r} has the zone {series.dtype.tz}; a snapshot holds the account's wall clock: "
            "use .dt.tz_convert(zone).dt.tz_localize(None)"
        )
    try:
        if isinstance(series.dtype, pd.CategoricalDtype) and pa.types.is_string(wanted):
            array = _encoded(series)
        else:
            array = pa.Array.from_pandas(series, type=wanted)
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError, OverflowError) as error:
        raise InvalidArgumentError(
            f"column {column.name!r} is {series.dtype}, expected {column.pandas_type}: {error}"
        ) from error
    if array.null_count and not column.nullable:
        raise InvalidArgumentError(
            f"column {column.name!r} has {array.null_count} nulls of {len(array)}, and may have none"
        )
    return array


def _encoded(series: pd.Series) -> pa.DictionaryArray:
    import pyarrow as pa

    codes = series.cat.codes.to_numpy()
    indices = pa.array(codes.astype("int32"), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(series.cat.categories, type=pa.string()))


def drop_unused_words(table: pa.Table) -> pa.Table:
    """Return the table without the words of dictionaries that no row has.

    A file must not keep a text of a row that it does not hold.
    """
    import pyarrow as pa

    for index, column in enumerate(table.columns):
        if pa.types.is_dictionary(column.type) and table.num_rows:
            codes, words = _codes(column)
            table = table.set_column(index, table.schema.field(index), _dictionary(codes, words))
    return table


def _codes(column: pa.ChunkedArray) -> tuple[Any, pa.Array]:
    """Return the numbers of the words, -1 for null, and the words; of at least one row."""
    combined = column.unify_dictionaries().combine_chunks()
    return combined.indices.fill_null(-1).to_numpy(zero_copy_only=False), combined.dictionary


def _dictionary(codes: Any, words: pa.Array) -> pa.DictionaryArray:
    import pyarrow as pa

    absent = codes < 0
    counts = np.bincount(codes[~absent], minlength=len(words))
    if not counts.all():
        used = np.flatnonzero(counts)
        codes, words = _renumber(codes, used, len(words)), words.take(used)
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype("int32", copy=False), mask=absent), words)


def _renumber(codes: Any, used: Any, size: int) -> Any:
    """Give the codes in ``used`` the numbers 0, 1, 2 in that order; -1 stays -1."""
    new_code = np.full(size + 1, -1, dtype="int32")
    new_code[used] = np.arange(len(used))
    return new_code[codes]


def to_frame(table: pa.Table, kind: Kind, family: Family) -> pd.DataFrame:
    """Return an Arrow table that was read from disk as the typed frame; it may have some of the columns only."""
    columns = {column.name: column for column in columns_of(kind, family)}
    series = {name: _to_pandas(table.column(name), columns[name]) for name in table.column_names}
    return pd.DataFrame(series, index=pd.RangeIndex(table.num_rows), copy=False)


def _to_pandas(values: pa.ChunkedArray, column: Column) -> Any:
    import pyarrow as pa

    if column.type == "category":
        return _to_categorical(values)
    if column.pandas_type in ("Int64", "boolean"):
        mask = values.is_null().to_numpy()
        filled = values.fill_null(pa.scalar(0).cast(values.type)).to_numpy()
        masked = pd.arrays.IntegerArray if column.pandas_type == "Int64" else pd.arrays.BooleanArray
        return masked(np.array(filled), mask)
    if column.pandas_type == "str":
        return pd.array(values, dtype="str")
    return np.array(values.to_numpy(), dtype=column.pandas_type)


def _to_categorical(values: pa.ChunkedArray) -> Any:
    """Categories as strings, sorted, and only those that a row has."""
    import pyarrow as pa

    if len(values) == 0:
        return pd.Categorical([], categories=pd.Index([], dtype="str"))
    codes, words = _codes(values if pa.types.is_dictionary(values.type) else values.dictionary_encode())
    texts = words.to_pylist()
    used = np.flatnonzero(np.bincount(codes[codes >= 0], minlength=len(texts)))
    in_order = sorted(used.tolist(), key=texts.__getitem__)
    categories = pd.CategoricalDtype(pd.Index([texts[code] for code in in_order], dtype="str"))
    return pd.Categorical.from_codes(_renumber(codes, in_order, len(texts)), dtype=categories)
