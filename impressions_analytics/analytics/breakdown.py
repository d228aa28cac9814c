"""Which programs fetched the images: mail clients, systems, devices or kinds of open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from impressions_analytics.analytics.choices import choose
from impressions_analytics.analytics.classes import CLASSES, ClassNumbers, with_classes
from impressions_analytics.analytics.kinds_of_open import chosen_kinds
from impressions_analytics.engine import RequiredColumns, UnsuitedError, column_batches, column_list, open_input, passes
from impressions_analytics.engine.kinds import kind_of_input
from impressions_analytics.errors import InvalidArgumentError

_DTYPES = {"impressions": "int64", "share_of_destinations": "float64", "destinations": "int64"}


@kind_of_input
def user_agent_breakdown(
    data: Any, *, by: str | Sequence[str] = "client", kinds: str | Sequence[str] | None = None
) -> Any:
    """Count impressions per mail client, system, device or kind of open.

    The share is of the opened destinations, not of the impressions: in which programs the opened messages were opened.

    Parameters
    ----------
    data : frame, path, Archive, Ibis table or Spark frame
        Impressions with the columns ``useragent`` and ``destination``.
    by : {"client", "client_version", "os", "device", "kind", "rule"} or a sequence of them
        What to tell apart, as `classify_user_agents` names it. ``device`` is the classified one, not Copernica's.
    kinds : {"person", "proxy", "prefetch", "bot", "unknown"} or a sequence of them, optional
        The kinds of open to count; all of them when not given.

    Returns
    -------
    DataFrame
        One row per class, most impressions first, then by name. Columns:

        ========================= ======= =========================================================================
        `by`                      str     one column per name in `by`; ``"unknown"`` where the user agent does not tell
        ``impressions``           int64   impression rows
        ``share_of_destinations`` float64 ``destinations`` / distinct destinations of all classes counted
        ``destinations``          int64   distinct destinations with an impression of the class
        ========================= ======= =========================================================================

        A destination opened in two clients counts in both, so that shares may add up to more than 1.
        ``attrs["destinations"]`` is the denominator, and ``attrs["kinds"]`` names the kinds that are counted (pandas
        results only).

    Raises
    ------
    MissingColumnError
        A needed column is absent or of a wrong type.
    InvalidArgumentError
        `by` or `kinds` cannot be used.

    Examples
    --------
    >>> import pandas as pd
    >>> opens = pd.DataFrame({
    ...     "useragent": ["Mozilla/5.0", "Microsoft Outlook 2007, WinXP", "Microsoft Outlook 2007, WinXP"],
    ...     "destination": [112, 112, 113],
    ... })
    >>> user_agent_breakdown(opens)
           client  impressions  share_of_destinations  destinations
    0     Outlook            2                    1.0             2
    1  Apple Mail            1                    0.5             1
    >>> user_agent_breakdown(opens, by=["client", "os"], kinds="person")
        client       os  impressions  share_of_destinations  destinations
    0  Outlook  Windows            2                    1.0             2
    """
    columns, chosen = _checked(by, kinds)
    required = RequiredColumns("impressions", ("useragent", "destination"))
    result = _in_one_pass(data, required, columns, chosen)
    if result is None:
        source = open_input(data, required)
        rows = with_classes(source, (*columns, "kind"))
        rows = rows.filter(rows.classified_kind.isin(chosen))
        result = source.deliver(_breakdown(rows, columns), {**dict.fromkeys(columns, "str"), **_DTYPES})
        if source.lazy:
            return result
        total = source.engine.fetch(rows.aggregate(destinations=rows.destination.nunique()))
        result.attrs["destinations"] = total["destinations"][0].as_py()
    result.attrs["kinds"] = list(chosen)
    return result


def _in_one_pass(
    data: Any, required: RequiredColumns, columns: Sequence[str], chosen: Sequence[str]
) -> pd.DataFrame | None:
    """Count rows that are at hand by the numpy pass; None where the definition has to do it."""
    rows = column_batches(data, required)
    if rows is None:
        return None
    numbers = ClassNumbers(columns, chosen)
    try:
        impressions, destinations, total = passes.per_class(numbers.numbered(rows))
    except UnsuitedError:
        return None
    result = pd.DataFrame(numbers.names(), columns=list(columns), dtype="str").assign(
        impressions=impressions, share_of_destinations=destinations / max(total, 1), destinations=destinations
    )
    order = ["impressions", *columns]
    result = result.sort_values(order, ascending=[False, *(True for _ in columns)], ignore_index=True)
    result.attrs["destinations"] = total
    return result


def _breakdown(rows: Any, columns: Sequence[str]) -> Any:
    """Define the analysis."""
    total = rows.aggregate(total=rows.destination.nunique())
    classes = {name: rows[f"classified_{name}"] for name in columns}
    counted = rows.group_by(**classes).aggregate(impressions=rows.count(), destinations=rows.destination.nunique())
    counted = counted.cross_join(total)
    counted = counted.mutate(share_of_destinations=counted.destinations / counted.total)
    return counted.order_by([counted.impressions.desc(), *columns])


def _checked(by: str | Sequence[str], kinds: str | Sequence[str] | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    columns = column_list(by)
    if not columns:
        raise InvalidArgumentError(f"by must name at least one of {', '.join(CLASSES)}, got {by!r}")
    for column in columns:
        choose("by", column, CLASSES)
    return columns, chosen_kinds(kinds)
