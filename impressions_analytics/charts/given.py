"""Check that a chart was given the result that it draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from impressions_analytics.charts.language import word
from impressions_analytics.errors import InvalidArgumentError, MissingColumnError

if TYPE_CHECKING:
    import pandas as pd


def check_result(result: Any, columns: Sequence[str], *, of: str) -> pd.DataFrame:
    """Return the result frame, or say which analysis gives one that can be drawn.

    Examples
    --------
    >>> import pandas as pd
    >>> check_result(pd.DataFrame({"period": []}), ["period", "impressions"], of="impressions_over_time")
    Traceback (most recent call last):
    impressions_analytics.errors.MissingColumnError: there is no column 'impressions' to draw, only 'period': give the \
result of impressions_over_time
    """
    import pandas as pd

    if not isinstance(result, pd.DataFrame):
        lazy = callable(getattr(result, "toPandas", None)) or callable(getattr(result, "to_pandas", None))
        way_out = "turn the lazy result into pandas first" if lazy else f"give the result of {of}"
        raise InvalidArgumentError(f"a chart needs a pandas frame, got {type(result).__name__}: {way_out}")
    for column in columns:
        if column not in result.columns:
            present = ", ".join(repr(str(name)) for name in result.columns) or "none"
            raise MissingColumnError(f"there is no column {column!r} to draw, only {present}: give the result of {of}")
    return result


def group_columns(result: pd.DataFrame, known: Sequence[str]) -> list[str]:
    """Return the columns that the analysis counted apart: all that are not its own."""
    return [str(name) for name in result.columns if name not in known]


def called(
    result: pd.DataFrame, groups: Sequence[str], names: Mapping[object, str] | None, *, all_together: str
) -> pd.Series[str]:
    """Call each row by the name its group was given, or else by its column and value.

    A mailing's number stays before its name: mailings of one subject stay apart.

    Examples
    --------
    >>> import pandas as pd
    >>> called(pd.DataFrame({"mailing": [401, 402]}), ["mailing"], {402: "October"}, all_together="").tolist()
    ['mailing 401', '402 October']
    """
    import pandas as pd

    if not groups:
        return pd.Series(all_together, index=result.index, dtype="str")
    if len(groups) > 1:
        return group_names(result, groups)
    (column,) = groups
    known = {value: _numbered(value, name) for value, name in (names or {}).items()}
    own = f"{word(column)} " + group_names(result, groups)
    return own.where(~result[column].isin(list(known)), result[column].map(known).astype("str"))


def _numbered(value: object, name: object) -> str:
    """Put a group's number before its name, unless the name begins with it; texts have no number."""
    number, text = str(value), str(name)
    return text if not number.isdecimal() or text.split()[:1] == [number] else f"{number} {text}"


def group_names(result: pd.DataFrame, groups: Sequence[str]) -> pd.Series[str]:
    """Name each row after its groups.

    Examples
    --------
    >>> import pandas as pd
    >>> group_names(pd.DataFrame({"client": ["Gmail", None], "os": ["iOS", "iOS"]}), ["client", "os"]).tolist()
    ['Gmail, iOS', 'none, iOS']
    """
    import pandas as pd

    texts = [result[name].astype("str").fillna("none") for name in groups]
    return pd.Series([", ".join(parts) for parts in zip(*texts, strict=True)], index=result.index, dtype="str")
