"""Which programs fetched the images, and how many of the opens can be a person's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from impressions_analytics.analytics.choices import choose, whole_number
from impressions_analytics.analytics.classes import CLASSES, KINDS_OF_OPEN, with_classes
from impressions_analytics.engine import Need, column_list, dtype_of, nulls_last, open_source
from impressions_analytics.errors import InvalidArgumentError

_RANGE = {
    "impressions": KINDS_OF_OPEN,
    "low": ("person",),
    "high": ("person", "proxy"),
    "prefetch": ("prefetch",),
    "bot": ("bot",),
    "unknown": ("unknown",),
}
_COMPARED = {
    "copernica_device": "str",
    "classified_device": "str",
    "impressions": "int64",
    "share": "float64",
    "destinations": "int64",
    "agree": "bool",
}


def user_agent_breakdown(
    data: Any, *, by: str | Sequence[str] = "client", kinds: str | Sequence[str] | None = None
) -> Any:
    """Count impressions per mail client, system, device or kind of open.

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

        ================ ======= ==================================================================================
        `by`             str     one column per name in `by`; ``"unknown"`` where the user agent does not tell
        ``impressions``  int64   impression rows
        ``share``        float64 ``destinations`` / distinct destinations of all classes counted
        ``destinations`` int64   distinct destinations with an impression of the class
        ================ ======= ==================================================================================

        A destination opened in two clients counts in both, so that shares may add up to more than 1.
        ``attrs["destinations"]`` is the denominator (pandas results only).

    Raises
    ------
    MissingColumnError
        A needed column is absent or of a wrong type.
    InvalidArgumentError
        `by` or `kinds` cannot be used.
    """
    columns, chosen = _checked(by, kinds)
    source = open_source(data, Need("impressions", ("useragent", "destination")))
    rows = with_classes(source, (*columns, "kind"))
    rows = rows.filter(rows.classified_kind.isin(chosen))
    result = source.deliver(
        _breakdown(rows, columns),
        {**dict.fromkeys(columns, "str"), "impressions": "int64", "share": "float64", "destinations": "int64"},
    )
    if not source.lazy:
        total = source.fetch(rows.aggregate(destinations=rows.destination.nunique()))
        result.attrs["destinations"] = total["destinations"][0].as_py()
    return result


def _breakdown(rows: Any, columns: Sequence[str]) -> Any:
    """Define the analysis."""
    total = rows.aggregate(total=rows.destination.nunique())
    classes = {name: rows[f"classified_{name}"] for name in columns}
    counted = rows.group_by(**classes).aggregate(impressions=rows.count(), destinations=rows.destination.nunique())
    counted = counted.cross_join(total)
    counted = counted.mutate(share=counted.destinations / counted.total)
    return counted.order_by([counted.impressions.desc(), *columns])


def _checked(by: str | Sequence[str], kinds: str | Sequence[str] | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    columns = column_list(by)
    if not columns:
        raise InvalidArgumentError(f"by must name at least one of {', '.join(CLASSES)}, got {by!r}")
    for column in columns:
        choose("by", column, CLASSES)
    chosen = column_list(kinds, argument="kinds") if kinds is not None else KINDS_OF_OPEN
    for kind in chosen:
        choose("kinds", kind, KINDS_OF_OPEN)
    return columns, chosen


def human_opens(data: Any, *, by: str | Sequence[str] | None = None) -> Any:
    """Bound the impressions that can be a person's.

    Parameters
    ----------
    data : frame, path, Archive, Ibis table or Spark frame
        Impressions with the column ``useragent`` and those of `by`.
    by : str or sequence of str, optional
        Columns to count apart, such as ``"mailing"``; a null is a group of its own, sorted last.

    Returns
    -------
    DataFrame
        One row per group ordered by it, or a single row when `by` is None. Columns:

        =============== =========== =====================================================================
        `by`            as in data  one column per name in `by`
        ``impressions`` int64       all impression rows
        ``low``         int64       kind ``person``: no sign of a machine
        ``high``        int64       ``low`` and kind ``proxy``: an image proxy that fetches on opening
        ``prefetch``    int64       fetched by the mailbox before anybody looked: cannot tell
        ``bot``         int64       scanners, crawlers, HTTP libraries
        ``unknown``     int64       user agents that no rule knew, or none at all
        =============== =========== =====================================================================

        ``impressions = high + prefetch + bot + unknown``.

    Raises
    ------
    MissingColumnError
        A needed column is absent or of a wrong type.
    """
    groups = column_list(by)
    need = Need("impressions", ("useragent",), by=groups)
    source = open_source(data, need)
    dtypes = {name: dtype_of(name, need, source.table) for name in groups}
    return source.deliver(
        _human_opens(with_classes(source, ("kind",)), groups), {**dtypes, **dict.fromkeys(_RANGE, "int64")}
    )


def _human_opens(rows: Any, groups: Sequence[str]) -> Any:
    """Define the analysis."""
    counted = {
        name: rows.classified_kind.isin(kinds).sum().fill_null(0).cast("int64") for name, kinds in _RANGE.items()
    }
    if not groups:
        return rows.aggregate(**counted)
    return rows.group_by(list(groups)).aggregate(**counted).order_by(nulls_last(groups))


def unrecognised_user_agents(data: Any, *, limit: int = 50) -> Any:
    """List the most frequent user agents that no rule knew.

    Parameters
    ----------
    data : frame, path, Archive, Ibis table or Spark frame
        Impressions with the columns ``useragent`` and ``destination``.
    limit : int
        How many to list at most.

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
        `limit` is not a positive whole number.
    """
    whole_number("limit", limit, least=1)
    source = open_source(data, Need("impressions", ("useragent", "destination")))
    rows = with_classes(source, ("rule",))
    rows = rows.filter(rows.useragent.notnull() & (rows.classified_rule == "unknown"))
    counted = rows.group_by("useragent").aggregate(impressions=rows.count(), destinations=rows.destination.nunique())
    listed = counted.order_by([counted.impressions.desc(), "useragent"]).limit(limit)
    return source.deliver(listed, {"useragent": "str", "impressions": "int64", "destinations": "int64"})


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

        ===================== ======= =======================================================================
        ``copernica_device``  str     Copernica's: desktop, tablet, mobile or unknown; null where not sent
        ``classified_device`` str     ours: desktop, tablet, mobile or unknown
        ``impressions``       int64   impression rows
        ``share``             float64 of all impressions
        ``destinations``      int64   distinct destinations
        ``agree``             bool    whether the two are the same; null is not the same as anything
        ===================== ======= =======================================================================

    Raises
    ------
    MissingColumnError
        A needed column is absent or of a wrong type.
    """
    source = open_source(data, Need("impressions", ("useragent", "device", "destination")))
    return source.deliver(_compare_devices(with_classes(source, ("device",))), _COMPARED)


def _compare_devices(rows: Any) -> Any:
    """Define the analysis."""
    pairs = {"copernica_device": rows.device, "classified_device": rows.classified_device}
    counted = rows.group_by(**pairs).aggregate(impressions=rows.count(), destinations=rows.destination.nunique())
    counted = counted.cross_join(rows.aggregate(total=rows.count()))
    counted = counted.mutate(
        share=counted.impressions / counted.total,
        agree=(counted.copernica_device == counted.classified_device).fill_null(False),
    )
    return counted.order_by([counted.impressions.desc(), *nulls_last(pairs)])
