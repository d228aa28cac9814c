"""Which columns an analysis needs, and the one wording for refusing data that lacks them."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from impressions_analytics.columns import KINDS, Column, Kind
from impressions_analytics.errors import InvalidArgumentError, MissingColumnError

if TYPE_CHECKING:
    import pyarrow as pa

_WORDS = {"integer": "a whole number", "timestamp": "a wall-clock timestamp", "boolean": "a boolean"}
_TEXT = "text"


@dataclass(frozen=True, slots=True)
class RequiredColumns:
    """The columns that an analysis takes from one input.

    Attributes
    ----------
    kind : Kind
        What the rows are; the table of columns knows its columns' types.
    columns : tuple of str
        Those that must be there, of the type of their kind.
    by : tuple of str
        Those to group by; a column that the table does not know may be of any type.
    """

    kind: Kind
    columns: tuple[str, ...]
    by: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every column needed, each once.

        Examples
        --------
        >>> RequiredColumns("impressions", ("timestamp", "mailing"), by=("mailing", "region")).names
        ('timestamp', 'mailing', 'region')
        """
        return tuple(dict.fromkeys((*self.columns, *self.by)))

    def known(self, name: str) -> Column | None:
        """Return the row of the table of columns for `name`, if there is one."""
        return next((column for column in KINDS[self.kind] if column.name == name), None)

    def check_names(self, present: Sequence[str]) -> None:
        """Raise `MissingColumnError` for the first needed column that is not present."""
        for name in self.names:
            if name not in present:
                raise MissingColumnError(_absent(name, self, [str(other) for other in present]))

    def targets(self, schema: pa.Schema) -> dict[str, pa.DataType]:
        """Return the normal type of each needed column; raise for a column that cannot safely be cast to it.

        A column to group by that the table does not know keeps its type.
        """
        self.check_names(schema.names)
        return {name: self._target(schema.field(name)) for name in self.names}

    def _target(self, field: pa.Field) -> pa.DataType:
        column, found = self.known(field.name), _plain(field.type)
        if column is None or _fits(column.type, found):
            return found if column is None else _normal(column.type)
        words = _WORDS.get(column.type, _TEXT)
        advice = next((advice for matches, advice in _ways_out() if matches(found)), "convert it first")
        raise MissingColumnError(f"column {field.name!r} of the {self.kind} must be {words}, got {found}: {advice}")


def column_list(by: str | Sequence[str] | None, *, argument: str = "by") -> tuple[str, ...]:
    """Return the column names that an argument gives as one name, several or None.

    Examples
    --------
    >>> column_list("mailing"), column_list(["client", "os"]), column_list(None)
    (('mailing',), ('client', 'os'), ())
    """
    names = () if by is None else (by,) if isinstance(by, str) else tuple(by)
    if any(not isinstance(name, str) or not name for name in names) or len(set(names)) < len(names):
        raise InvalidArgumentError(f"{argument} must be a column name or several different ones, got {by!r}")
    return names


def _plain(type_: pa.DataType) -> pa.DataType:
    """Look through a dictionary (a pandas category) at what it stands for."""
    import pyarrow as pa

    return type_.value_type if pa.types.is_dictionary(type_) else type_


def _normal(column_type: str) -> pa.DataType:
    import pyarrow as pa

    types = {"integer": pa.int64(), "timestamp": pa.timestamp("us"), "boolean": pa.bool_()}
    return types.get(column_type, pa.string())


def _fits(column_type: str, found: pa.DataType) -> bool:
    from pyarrow import types

    if types.is_null(found):
        return True
    if column_type == "timestamp":
        return bool(types.is_timestamp(found) and found.tz is None)
    if column_type == "integer":
        return bool(types.is_integer(found))
    if column_type == "boolean":
        return bool(types.is_boolean(found))
    return bool(types.is_string(found) or types.is_large_string(found) or types.is_string_view(found))


def _ways_out() -> tuple[tuple[Callable[[pa.DataType], bool], str], ...]:
    from pyarrow import types

    return (
        (types.is_floating, "convert it with astype('Int64')"),
        (types.is_timestamp, "give the wall clock of the account, without a zone"),
        (types.is_date, "a day alone has no time; give the timestamp"),
        (lambda found: types.is_string(found) or types.is_large_string(found), "convert it when the data is read"),
    )


def _absent(name: str, required: RequiredColumns, present: Sequence[str]) -> str:
    column = required.known(name)
    lowered = {other.lower(): other for other in present}
    near = difflib.get_close_matches(name.lower(), list(lowered), n=1, cutoff=0.7)
    expected = f" ({_WORDS.get(column.type, _TEXT)})" if column else ""
    hint = f"; did you mean {lowered[near[0]]!r}?" if near else ""
    return f"the {required.kind} have no column {name!r}{expected}; they have {', '.join(present) or 'none'}{hint}"
