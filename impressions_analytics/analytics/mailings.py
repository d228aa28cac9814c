"""The figures of each mailing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from impressions_analytics.analytics.choices import choose
from impressions_analytics.analytics.classes import MACHINES, with_classes
from impressions_analytics.analytics.figures import ESTIMATE_ASSUMES, FIGURES, Figure
from impressions_analytics.engine import RequiredColumns, open_input
from impressions_analytics.errors import AnalysisError


def mailing_performance(
    impressions: Any,
    *,
    destinations: Any = None,
    deliveries: Any = None,
    clicks: Any = None,
    figures: Sequence[str] | None = None,
) -> Any:
    """Compute the figures of each mailing, as far as the inputs allow.

    Parameters
    ----------
    impressions : frame, path, Archive, Ibis table or Spark frame
        Impressions with the columns ``mailing``, ``destination``, ``useragent``.
    destinations : frame, path or Archive, optional
        Destinations (``ID``, ``mailing``): what was sent.
    deliveries, clicks : frame, path or Archive, optional
        Those events (``mailing``, ``destination``).
    figures : sequence of str, optional
        The columns to compute; all that the inputs allow when not given.

    Returns
    -------
    DataFrame
        One row per mailing in any of the inputs, ordered by it. Columns (each rate is followed by the ends of its 95%
        Wilson interval, ``..._ci_low`` and ``..._ci_high``; its n is the count that its name ends with):

        ==================================== ======= ============ =============================================
        column                               type    needs        formula
        ==================================== ======= ============ =============================================
        ``mailing``                          int64                the mailing
        ``impressions``                      int64                O, impression rows
        ``unique_opens``                     int64                U, distinct destinations with an impression
        ``reopen_ratio``                     float64              O / U
        ``machine_impressions``              int64                rows of the kinds prefetch and bot
        ``machine_share_of_impressions``     float64              machine rows / O
        ``unique_opens_not_only_machines``    int64                H, destinations not only fetched by machines
        ``machine_share_of_unique_opens``    float64              (U - H) / U
        ``sent``                             int64   destinations S, distinct destinations
        ``open_rate_of_sent``                float64 destinations U / S, Copernica's "percentage opened"
        ``delivered``                        int64   deliveries   D, distinct delivered destinations
        ``open_rate_high``           float64 deliveries   U / D, the upper bound of human opens
        ``open_rate_low``     float64 deliveries   H / D, the lower bound of human opens
        ``estimated_open_rate`` float64 deliveries   H / (D - (U - H)); no interval: an estimate that
                                                                  rests on the assumption in ``attrs``
        ``unique_clicks``                    int64   clicks       UC, distinct destinations with a click
        ``click_to_open_rate``     float64 clicks       UC / U
        ``effective_opens``                  int64   clicks       destinations that opened or clicked
        ``click_through_rate``  float64 both         UC / D
        ==================================== ======= ============ =============================================

        A rate is null where its denominator is 0, and where the count is larger than its denominator: then the inputs
        do not belong together, and no rate is guessed.

    Raises
    ------
    AnalysisError
        A figure was asked for whose input was not given; the message names both.
    MissingColumnError
        A needed column is absent or of a wrong type.
    InvalidArgumentError
        `figures` names something that is no figure.

    Examples
    --------
    >>> import pandas as pd
    >>> opens = pd.DataFrame({
    ...     "mailing": [412, 412],
    ...     "destination": [112, 112],
    ...     "useragent": ["Microsoft Outlook 2007, WinXP", "Mozilla/5.0"],
    ... })
    >>> deliveries = pd.DataFrame({"mailing": [412, 412], "destination": [112, 113]})
    >>> result = mailing_performance(opens, deliveries=deliveries)
    >>> result[["mailing", "impressions", "unique_opens", "delivered", "open_rate_high"]]
       mailing  impressions  unique_opens  delivered  open_rate_high
    0      412            2             1          2                     0.5
    >>> mailing_performance(opens, figures=["open_rate_high"])
    Traceback (most recent call last):
    impressions_analytics.errors.AnalysisError: open_rate_high is U / D, ...: it needs deliveries as well
    """
    given = {"impressions": impressions, "destinations": destinations, "deliveries": deliveries, "clicks": clicks}
    chosen = _chosen(figures, {name for name, data in given.items() if data is not None})
    source = open_input(impressions, RequiredColumns("impressions", ("mailing", "destination", "useragent")))
    others = {name: source.also(given[name], required) for name, required in _NEEDS.items() if given[name] is not None}
    expression = _performance(with_classes(source, ("kind",)), others, chosen)
    dtypes = {column: figure.dtype for figure in chosen for column in figure.columns}
    result = source.deliver(expression, {"mailing": "int64", **dtypes})
    if not source.lazy and "estimated_open_rate" in dtypes:
        result.attrs["assumption"] = ESTIMATE_ASSUMES
    return result


def _chosen(figures: Sequence[str] | None, given: set[str]) -> list[Figure]:
    """Return the figures asked for, or all that the inputs allow."""
    if figures is None:
        return [figure for figure in FIGURES if given.issuperset(figure.needs)]
    by_name = {figure.name: figure for figure in FIGURES}
    for name in figures:
        choose("figures", name, by_name)
        missing = [required for required in by_name[name].needs if required not in given]
        if missing:
            raise AnalysisError(f"{name} is {by_name[name].formula}: it needs {' and '.join(missing)} as well")
    return [by_name[name] for name in figures]


def _performance(rows: Any, others: dict[str, Any], chosen: list[Figure]) -> Any:
    """Define the analysis: count what was given, per mailing in any of it, and compute the figures."""
    import ibis

    counts = [_opens(rows), *(_COUNTS[name](table, rows) for name, table in others.items())]
    table = ibis.union(counts[0].select("mailing"), *(count.select("mailing") for count in counts), distinct=True)
    for count in counts:
        joined = table.left_join(count, "mailing")
        table = joined.select(*table.columns, **{name: joined[name].fill_null(0) for name in count.columns[1:]})
    values: dict[str, Any] = {}
    for figure in chosen:
        values |= figure.expressions(table)
    return table.select("mailing", **values).order_by("mailing")


def _opens(rows: Any) -> Any:
    machine = rows.classified_kind.isin(MACHINES).cast("int64")
    opened = rows.group_by("mailing", "destination").aggregate(rows=rows.count(), machine=machine.sum())
    return opened.group_by("mailing").aggregate(
        impressions=opened["rows"].sum().cast("int64"),
        unique_opens=opened.count(),
        machine_impressions=opened.machine.sum().cast("int64"),
        unique_opens_not_only_machines=(opened.machine < opened["rows"]).sum().cast("int64"),
    )


def _sent(table: Any, rows: Any) -> Any:
    return table.group_by("mailing").aggregate(sent=table.ID.nunique())


def _delivered(table: Any, rows: Any) -> Any:
    return table.group_by("mailing").aggregate(delivered=table.destination.nunique())


def _clicked(table: Any, rows: Any) -> Any:
    """Count who clicked, and who opened or clicked."""
    import ibis

    clicks = table.distinct().mutate(clicked=1)
    both = ibis.union(clicks, rows.select("mailing", "destination").distinct().mutate(clicked=0))
    both = both.group_by("mailing", "destination").aggregate(clicked=both.clicked.max())
    return both.group_by("mailing").aggregate(
        unique_clicks=both.clicked.sum().cast("int64"), effective_opens=both.count()
    )


_NEEDS = {
    "destinations": RequiredColumns("destinations", ("ID", "mailing")),
    "deliveries": RequiredColumns("deliveries", ("mailing", "destination")),
    "clicks": RequiredColumns("clicks", ("mailing", "destination")),
}
_COUNTS = {"destinations": _sent, "deliveries": _delivered, "clicks": _clicked}
