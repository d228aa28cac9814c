"""The figures of each mailing."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from impressions_analytics.analytics.choices import choose
from impressions_analytics.analytics.classes import with_classes
from impressions_analytics.analytics.covered import emailings_of, only_covered, read_covered
from impressions_analytics.analytics.figures import ESTIMATE_ASSUMES, FIGURES, NARROW, ON_REQUEST, OUTSIDE, Figure
from impressions_analytics.analytics.message_counts import REQUIRED, count_messages, told_at_hand, told_of_messages
from impressions_analytics.engine import AnalysisInput, RequiredColumns, open_input
from impressions_analytics.engine.kinds import kind_of_input
from impressions_analytics.errors import AnalysisError, MissingColumnError

if TYPE_CHECKING:
    import pandas as pd

    from impressions_analytics.columns import Kind

_NAMES: tuple[tuple[str, str, Any], ...] = (
    ("subject", "subject", "str"),
    ("timestamp", "sent_at", "datetime64[us]"),
)
"""A column of the emailings, what it is called beside the figures of a mailing, and its type there."""


@kind_of_input
def mailing_performance(
    impressions: Any,
    *,
    destinations: Any = None,
    deliveries: Any = None,
    clicks: Any = None,
    emailings: Any = None,
    figures: Sequence[str] | None = None,
    intervals: bool = False,
    estimate: bool = False,
) -> Any:
    """Compute the figures of each mailing, as far as the inputs allow.

    Parameters
    ----------
    impressions : frame, path, Archive, Ibis table or Spark frame
        Impressions with the columns ``mailing``, ``destination``, ``useragent``.
    destinations : frame, path or Archive, optional
        Destinations (``ID``, ``mailing``): what was sent.
    deliveries, clicks : frame, path or Archive, optional
        Those events (``mailing``, ``destination``; of clicks the ``useragent`` as well).
    emailings : frame, path or Archive, optional
        Emailings (``ID``, ``timestamp``, ``subject``): they name the mailings, and tell when each was sent, so that the
        inputs can be held against it. Those of an archive are found in it.
    figures : sequence of str, optional
        The figures to compute, whichever the table below has. When not given, those that it marks, as far as the
        inputs allow.
    intervals : bool
        Give all figures that the inputs allow when `figures` is not given, and put the ends of its 95% Wilson interval
        beside each rate that is a share of messages: ``..._ci_low`` and ``..._ci_high``.
    estimate : bool
        Give ``estimated_open_rate`` too. It assumes that those hidden by machines open as others do, and nothing in
        the data can bear that out: one reader and nine prefetched messages of ten give 100%.

    Returns
    -------
    DataFrame
        One row per mailing in any of the inputs, ordered by it. Columns, those marked (*) by default:

        ==================================== ======= ============ =============================================
        column                               type    needs        formula
        ==================================== ======= ============ =============================================
        ``mailing`` (*)                      int64                the mailing
        ``subject`` (*), ``sent_at`` (*)     str,    emailings    what it is called and when it was sent, as far as
                                             moment               known; not in lazy results
        ``impressions``                      int64                O, impression rows
        ``unique_opens`` (*)                 int64                U, distinct destinations with an impression
        ``reopen_ratio``                     float64              O / U
        ``machine_impressions``              int64                rows of the kinds prefetch and bot
        ``machine_share_of_impressions``     float64              machine rows / O
        ``unique_opens_not_only_machines`` (*) int64               H, destinations not only fetched by machines
        ``machine_share_of_unique_opens``    float64              (U - H) / U
        ``sent`` (*)                         int64   destinations S, distinct destinations
        ``opened_not_sent``                  int64   destinations those of U that are not in S
        ``open_rate_of_sent`` (*)            float64 destinations U / S, Copernica's "percentage opened"
        ``delivered`` (*)                    int64   deliveries   D, distinct delivered destinations
        ``opened_not_delivered``             int64   deliveries   those of U that are not in D
        ``open_rate_high`` (*)               float64 deliveries   U / D
        ``open_rate_low`` (*)                float64 deliveries   H / D
        ``estimated_open_rate``              float64 deliveries   H / (D - (U - H)); no interval: an estimate
                                                                  that rests on the assumption in ``attrs``
        ``unique_clicks`` (*)                int64   clicks       UC, distinct destinations with a click that
                                                                  is not a bot's
        ``unique_clicks_only_by_bots``       int64   clicks       distinct destinations clicked by scanners and
                                                                  HTTP libraries only; they count nowhere else
        ``clicked_not_opened``               int64   clicks       those of UC that are not in U
        ``click_to_open_rate`` (*)           float64 clicks       UC / U
        ``effective_opens``                  int64   clicks       destinations that opened or clicked
        ``clicked_not_delivered``            int64   both         those of UC that are not in D
        ``click_through_rate`` (*)           float64 both         UC / D
        ``not_covered`` (*)                  str                  which input does not cover the mailing, and
                                                                  since or until when; null where all do
        ==================================== ======= ============ =============================================

        A rate counts only members of its denominator: those opened and delivered, of the delivered. What falls outside
        is in columns of its own, and ``attrs["outside"]`` adds it up over the mailings. Some clicked without an open
        had their images switched off; anything else outside means that the inputs are not of the same mail. A rate is
        null where its denominator is 0.

        Counts are of the rows that were given. A rate is null, too, where an input that it needs does not cover the
        mailing, by its certificate: from the sending until 7 days later for destinations and deliveries, 30 days for
        impressions and clicks, or until the latest moment that any input knows, if that is sooner (an hour apart is
        allowed). The sending is told by the destinations, the emailings (also those of an archive), the first delivery
        or the first impression, the best that there is. What comes without a certificate counts as covering everything.
        ``attrs["covered"]`` says how many mailings are covered, such as "over 7 of 12 mailings";
        ``attrs["not_proven"]`` names the inputs that nobody proved. Lazy results have no attrs, and are not checked.

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
    >>> result[["mailing", "unique_opens", "delivered", "open_rate_high"]]
       mailing  unique_opens  delivered  open_rate_high
    0      412             1          2             0.5
    >>> mailing_performance(opens, figures=["open_rate_high"])
    Traceback (most recent call last):
    impressions_analytics.errors.AnalysisError: open_rate_high is U / D ...: it needs deliveries as well
    """
    given: dict[Kind, Any] = {
        "impressions": impressions,
        "destinations": destinations,
        "deliveries": deliveries,
        "clicks": clicks,
        "emailings": emailings,
    }
    present = {name for name, data in given.items() if data is not None}
    chosen = _chosen(figures, present, intervals=intervals, estimate=estimate)
    source = open_input(impressions, REQUIRED["impressions"])
    told = [] if source.lazy else [one for one in FIGURES if one.name in OUTSIDE and present.issuperset(one.needs)]
    computed = list(dict.fromkeys([*chosen, *told]))
    expression = _performance(_told(source, given), computed)
    dtypes = {column: figure.dtype for figure in computed for column in figure.columns(intervals=intervals)}
    result = source.deliver(expression, {"mailing": "int64", **dtypes, "not_covered": "str"})
    if source.lazy:
        return result
    outside = {figure.name: int(result[figure.name].sum()) for figure in told}
    result = result.drop(columns=[figure.name for figure in told if figure not in chosen])
    result.attrs["outside"] = outside
    if "estimated_open_rate" in result:
        result.attrs["assumption"] = ESTIMATE_ASSUMES
    rates = [(figure.columns(intervals=intervals), figure.inputs) for figure in chosen if figure.over]
    named = _named(result, source, emailings_of(given))
    return only_covered(named, rates, read_covered(source, given, named["mailing"]))


def _chosen(figures: Sequence[str] | None, given: set[Kind], *, intervals: bool, estimate: bool) -> list[Figure]:
    """Return the figures asked for, or those that are given by default, as far as the inputs allow."""
    by_name = {figure.name: figure for figure in FIGURES}
    if figures is None:
        wanted = [name for name in by_name if (intervals or name in NARROW) and name not in ON_REQUEST]
        names = [name for name in wanted if given.issuperset(by_name[name].needs)]
    else:
        names = list(figures)
    names += [name for name in ON_REQUEST if estimate and name not in names]
    for name in names:
        choose("figures", name, by_name)
        missing = [required for required in by_name[name].needs if required not in given]
        if missing:
            raise AnalysisError(f"{name} is {by_name[name].formula}: it needs {' and '.join(missing)} as well")
    return [by_name[name] for name in names]


def _named(result: pd.DataFrame, source: AnalysisInput, emailings: Any) -> pd.DataFrame:
    """Put subject and moment of sending beside each mailing, as far as the emailings tell."""
    place = 1
    for column, name, dtype in _NAMES:
        with contextlib.suppress(MissingColumnError):
            if emailings is not None:
                table = source.also(emailings, RequiredColumns("emailings", ("ID", column)))
                rows = source.engine.fetch(table.group_by("ID").aggregate(value=table[column].min())).to_pylist()
                values = result["mailing"].map({row["ID"]: row["value"] for row in rows}).astype(dtype)
                result.insert(place, name, values)
                place += 1
    return result


def _told(source: AnalysisInput, given: Mapping[Kind, Any]) -> Any:
    """Return what happened to the messages, from one pass over rows that are at hand or as a definition."""
    at_hand = told_at_hand(given)
    if at_hand is not None:
        return source.engine.small(at_hand)
    others: dict[Kind, Any] = {
        name: source.also(given[name], required)
        for name, required in REQUIRED.items()
        if name != "impressions" and given[name] is not None
    }
    if "clicks" in others:
        others["clicks"] = with_classes(AnalysisInput(others["clicks"], source.engine), ("kind",))
    return told_of_messages(with_classes(source, ("kind",)), others)


def _performance(told: Any, chosen: list[Figure]) -> Any:
    """Define the analysis: count the messages of each mailing, and compute the figures."""
    import ibis

    table = count_messages(told)
    values: dict[str, Any] = {}
    for figure in chosen:
        values |= figure.expressions(table)
    return table.select("mailing", **values, not_covered=ibis.null("string")).order_by("mailing")
