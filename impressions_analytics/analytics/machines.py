"""How many of the opens are taken for a person's, and where the judgement of user agents is in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from impressions_analytics.analytics.choices import whole_number
from impressions_analytics.analytics.classes import KINDS_OF_OPEN, Values, with_classes
from impressions_analytics.analytics.kinds_of_open import marked_by_kind
from impressions_analytics.columns import KINDS
from impressions_analytics.engine import (
    RequiredColumns,
    UnsuitedError,
    column_batches,
    column_list,
    dtype_of,
    nulls_last,
    open_input,
)
from impressions_analytics.engine.kinds import kind_of_input
from impressions_analytics.engine.marks import by_marks

UNRECOGNISED = ("unknown", "bare-name")
"""What stands for the rule of a user agent that no rule knew."""

_ALL_LOW_HIGH = {"": KINDS_OF_OPEN, "_low": ("person",), "_high": ("person", "proxy")}
_MESSAGES = {f"messages{end}": kinds for end, kinds in _ALL_LOW_HIGH.items()}
_IMPRESSIONS = {
    **{f"impressions{end}": kinds for end, kinds in _ALL_LOW_HIGH.items()},
    **{f"impressions_{kind}": (kind,) for kind in KINDS_OF_OPEN},
}
_NUMBERS: dict[str, Any] = {
    column.name: column.pandas_type for column in KINDS["impressions"] if column.type == "integer"
}
_COMPARED = {
    "copernica_device": "str",
    "classified_device": "str",
    "impressions": "int64",
    "share_of_impressions": "float64",
    "destinations": "int64",
    "agree": "bool",
}


@kind_of_input
def human_opens(data: Any, *, by: str | Sequence[str] | None = None) -> Any:
    """Count the messages and the impressions that are taken for opened by a person, as a range, and each kind of open.

    The range is of what was seen. It does not bound the truth: a reader whose images are switched off is not seen, a
    scanner that names a browser counts as a person, and ``prefetch`` and ``unknown`` may or may not be people.

    Parameters
    ----------
    data : frame, path, Archive, Ibis table or Spark frame
        Impressions with the columns ``useragent``, ``destination`` and those of `by`.
    by : str or sequence of str, optional
        Columns to count apart, such as ``"mailing"``; a null is a group of its own, sorted last.

    Returns
    -------
    DataFrame
        One row per group ordered by it, or a single row when `by` is None. Columns:

        ======================== ========== ==================================================================
        `by`                     as in data one column per name in `by`
        ``messages``             int64      distinct destinations with an impression of any kind
        ``messages_low``         int64      of these, with one of kind ``person``: no sign of a machine
        ``messages_high``        int64      of these, with one of kind ``person`` or ``proxy``
        ``impressions``          int64      all impression rows
        ``impressions_low``      int64      rows of kind ``person``
        ``impressions_high``     int64      rows of kind ``person`` or ``proxy``
        ``impressions_person``   int64      no sign of a machine
        ``impressions_proxy``    int64      an image proxy that fetches on opening
        ``impressions_prefetch`` int64      fetched by the mailbox before anybody looked
        ``impressions_bot``      int64      scanners, crawlers, HTTP libraries
        ``impressions_unknown``  int64      user agents that no rule knew, or none at all
        ======================== ========== ==================================================================

        A row without a destination counts as an impression and not as a message.

    Raises
    ------
    MissingColumnError
        A needed column is absent or of a wrong type.

    Examples
    --------
    >>> import pandas as pd
    >>> opens = pd.DataFrame({
    ...     "useragent": ["Mozilla/5.0", "Microsoft Outlook 2007, WinXP", "curl/8.4.0"],
    ...     "mailing": [412, 412, 413],
    ...     "destination": [112, 113, 114],
    ... })
    >>> counted = human_opens(opens, by="mailing")
    >>> counted[["mailing", "messages", "messages_low", "messages_high", "impressions_prefetch"]]
       mailing  messages  messages_low  messages_high  impressions_prefetch
    0      412         2             1              1                     1
    1      413         1             0              0                     0
    """
    groups = column_list(by)
    required = RequiredColumns("impressions", ("useragent", "destination"), by=groups)
    result = _in_one_pass(data, required)
    if result is not None:
        return result
    source = open_input(data, required)
    dtypes = {name: dtype_of(name, required, source.table) for name in groups}
    return source.deliver(
        _human_opens(with_classes(source, ("kind",)), groups),
        {**dtypes, **dict.fromkeys((*_MESSAGES, *_IMPRESSIONS), "int64")},
    )


def _in_one_pass(data: Any, required: RequiredColumns) -> pd.DataFrame | None:
    """Count rows that are at hand by the numpy pass; None where the definition has to do it."""
    rows = column_batches(data, required) if not required.by or required.by[0] in _NUMBERS else None
    if rows is None or len(required.by) > 1:
        return None
    marks = {kind: number for number, kind in enumerate(KINDS_OF_OPEN)}
    by = next(iter(required.by), None)
    try:
        of_rows, of_messages = by_marks(marked_by_kind(rows, marks), by)
    except UnsuitedError:
        return None
    groups = np.unique(of_rows.groups) if by else np.ones(1, dtype="int64")
    bits = {kind: 1 << mark for kind, mark in marks.items()}
    sets = of_messages.groups, of_messages.what, of_messages.counts
    singles = of_rows.groups, 1 << of_rows.what, of_rows.counts
    counted = {name: _counted(groups, *sets, sum(bits[kind] for kind in kinds)) for name, kinds in _MESSAGES.items()}
    counted |= {
        name: _counted(groups, *singles, sum(bits[kind] for kind in kinds)) for name, kinds in _IMPRESSIONS.items()
    }
    result = pd.DataFrame(counted)
    if by:
        null = np.isin(groups, of_rows.groups[of_rows.without])
        result.insert(0, by, pd.Series(groups).astype(_NUMBERS[by]).mask(null))
        result = result.sort_values(by, ignore_index=True)
    return result


def _counted(groups: Values, found: Values, sets: Values, counts: Values, bits: int) -> Values:
    """Add up the counts of each group whose set has one of these bits."""
    chosen = np.flatnonzero(sets & bits)
    np.add.at(total := np.zeros(len(groups), dtype="int64"), np.searchsorted(groups, found[chosen]), counts[chosen])
    return total


def _human_opens(rows: Any, groups: Sequence[str]) -> Any:
    """Define the analysis: rows per message and kind first, so that no kind has to be made distinct by itself."""
    rows_of = {f"rows_{kind}": (rows.classified_kind == kind).cast("int64").sum() for kind in KINDS_OF_OPEN}
    told = rows.group_by(list(dict.fromkeys([*groups, "destination"]))).aggregate(**rows_of)
    counted = {
        name: (told.destination.notnull() & (_rows_of(told, kinds) > 0)).cast("int64").sum()
        for name, kinds in _MESSAGES.items()
    }
    counted |= {name: _rows_of(told, kinds).sum() for name, kinds in _IMPRESSIONS.items()}
    counted = {name: count.fill_null(0).cast("int64") for name, count in counted.items()}
    if not groups:
        return told.aggregate(**counted)
    return told.group_by(list(groups)).aggregate(**counted).order_by(nulls_last(groups))


def _rows_of(told: Any, kinds: Sequence[str]) -> Any:
    return reduce(add, (told[f"rows_{kind}"] for kind in kinds))


@kind_of_input
def unrecognised_user_agents(
    data: Any, *, limit: int = 50, guessed: bool = False, rules: str | Path | None = None
) -> Any:
    """List the most frequent user agents that no rule knew: bare names, and what says nothing at all.

    Parameters
    ----------
    data : frame, path, Archive, Ibis table or Spark frame
        Impressions with the columns ``useragent`` and ``destination``.
    limit : int
        How many to list at most.
    guessed : bool
        Whether to list those too whose program was taken from an unfamiliar ``Name/version``.
    rules : path, optional
        A TOML file with rules of your own; what they know is not listed. See `classify_user_agents`.

    Returns
    -------
    DataFrame
        One row per user agent, most impressions first, then by text; blank ones are not listed. Columns:

        ================ ===== ====================================
        ``useragent``    str   the text as it was received
        ``impressions``  int64 impression rows
        ``destinations`` int64 distinct destinations
        ================ ===== ====================================

    Raises
    ------
    MissingColumnError
        A needed column is absent or of a wrong type.
    InvalidArgumentError
        `limit` is not a positive whole number, or `rules` holds what is not a rule.

    Examples
    --------
    >>> import pandas as pd
    >>> opens = pd.DataFrame({"useragent": ["a new program", None, "curl/8.4.0"], "destination": [1, 2, 3]})
    >>> unrecognised_user_agents(opens)
           useragent  impressions  destinations
    0  a new program            1             1
    """
    whole_number("limit", limit, least=1)
    source = open_input(data, RequiredColumns("impressions", ("useragent", "destination")))
    rows = with_classes(source, ("rule",), rules=rules)
    listed_rules = (*UNRECOGNISED, "named-program") if guessed else UNRECOGNISED
    rows = rows.filter(rows.useragent.notnull() & rows.classified_rule.isin(listed_rules))
    counted = rows.group_by("useragent").aggregate(impressions=rows.count(), destinations=rows.destination.nunique())
    listed = counted.order_by([counted.impressions.desc(), "useragent"]).limit(limit)
    return source.deliver(listed, {"useragent": "str", "impressions": "int64", "destinations": "int64"})


@kind_of_input
def compare_devices(data: Any) -> Any:
    """Hold Copernica's own device against the one that the user agent tells.

    Parameters
    ----------
    data : frame, path, Archive, Ibis table or Spark frame
        Impressions with the columns ``useragent``, ``device`` and ``destination``.

    Returns
    -------
    DataFrame
        One row per pair that occurs, most impressions first, then by name. Columns:

        ======================== ======= ====================================================================
        ``copernica_device``     str     Copernica's: desktop, tablet, mobile or unknown; null where not sent
        ``classified_device``    str     ours: desktop, tablet, mobile or unknown
        ``impressions``          int64   impression rows
        ``share_of_impressions`` float64 ``impressions`` / all impression rows
        ``destinations``         int64   distinct destinations
        ``agree``                bool    whether the two are the same; null is not the same as anything
        ======================== ======= ====================================================================

    Raises
    ------
    MissingColumnError
        A needed column is absent or of a wrong type.

    Examples
    --------
    >>> import pandas as pd
    >>> opens = pd.DataFrame({
    ...     "useragent": ["Microsoft Outlook 2007, WinXP", "Microsoft Outlook 2007, WinXP", "Mozilla/5.0"],
    ...     "device": ["desktop", "desktop", "mobile"],
    ...     "destination": [112, 113, 113],
    ... })
    >>> compare_devices(opens)[["copernica_device", "classified_device", "impressions", "agree"]]
      copernica_device classified_device  impressions  agree
    0          desktop           desktop            2   True
    1           mobile           unknown            1  False
    """
    source = open_input(data, RequiredColumns("impressions", ("useragent", "device", "destination")))
    return source.deliver(_compare_devices(with_classes(source, ("device",))), _COMPARED)


def _compare_devices(rows: Any) -> Any:
    """Define the analysis."""
    pairs = {"copernica_device": rows.device, "classified_device": rows.classified_device}
    counted = rows.group_by(**pairs).aggregate(impressions=rows.count(), destinations=rows.destination.nunique())
    counted = counted.cross_join(rows.aggregate(total=rows.count()))
    counted = counted.mutate(
        share_of_impressions=counted.impressions / counted.total,
        agree=(counted.copernica_device == counted.classified_device).fill_null(False),
    )
    return counted.order_by([counted.impressions.desc(), *nulls_last(pairs)])
