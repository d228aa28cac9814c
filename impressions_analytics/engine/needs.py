"""Which columns an analysis needs, and the one wording for refusing data that lacks them."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from impressions_analytics.columns import KINDS, Column, Kind
from impressions_analytics.errors import InvalidArgumentError, MissingColumnError

_WANTED: dict[str, tuple[str, str, Callable[[Any], bool]]] = {
    "integer": ("a whole number", "int64", lambda type_: bool(type_.is_integer())),
    "timestamp": ("a wall-clock timestamp", "timestamp(6)", lambda type_: type_.is_timestamp() and not type_.timezone),
    "boolean": ("a boolean", "boolean", lambda type_: bool(type_.is_boolean())),
}  # fmt: skip
_TEXT = ("text", "string", lambda type_: bool(type_.is_string()))
_WAYS_OUT = (
    (lambda type_: type_.is_floating(), "convert it with astype('Int64')"),
    (lambda type_: type_.is_timestamp(), "give the wall clock of the account, without a zone"),
    (lambda type_: type_.is_string(), "convert it when the data is read"),
)


@dataclass(frozen=True, slots=True)
class Need:
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
        >>> Need("impressions", ("timestamp", "mailing"), by=("mailing", "region")).names
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

    def casts(self, schema: Mapping[str, Any]) -> dict[str, str]:
        """Return what to cast so that every known column has its normal type; raise where no cast is safe."""
        self.check_names(list(schema))
        wanted = {name: self.known(name) for name in self.names}
        return {name: _cast(column, schema[name], self) for name, column in wanted.items() if column}


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


def _cast(column: Column, type_: Any, need: Need) -> str:
    words, target, accepts = _WANTED.get(column.type, _TEXT)
    if accepts(type_) or type_.is_null():
        return target
    way_out = next((advice for matches, advice in _WAYS_OUT if matches(type_)), "convert it first")
    raise MissingColumnError(f"column {column.name!r} of the {need.kind} must be {words}, got {type_}: {way_out}")


def _absent(name: str, need: Need, present: Sequence[str]) -> str:
    column = need.known(name)
    lowered = {other.lower(): other for other in present}
    near = difflib.get_close_matches(name.lower(), list(lowered), n=1, cutoff=0.7)
    expected = f" ({_WANTED.get(column.type, _TEXT)[0]})" if column else ""
    hint = f"; did you mean {lowered[near[0]]!r}?" if near else ""
    return f"the {need.kind} have no column {name!r}{expected}; they have {', '.join(present) or 'none'}{hint}"
