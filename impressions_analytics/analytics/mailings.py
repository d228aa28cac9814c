"""The figures of each mailing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from impressions_analytics.analytics.choices import choose
from impressions_analytics.analytics.classes import with_classes
from impressions_analytics.analytics.covered import only_covered, read_covered
from impressions_analytics.analytics.figures import ESTIMATE_ASSUMES, FIGURES, Figure
from impressions_analytics.analytics.message_counts import REQUIRED, count_messages
from impressions_analytics.engine import AnalysisInput, RequiredColumns, open_input
from impressions_analytics.engine.kinds import kind_of_input
from impressions_analytics.errors import AnalysisError

if TYPE_CHECKING:
    from impressions_analytics.columns import Kind


@kind_of_input
def mailing_performance(
    impressions: Any,
    *,
    destinations: Any = None,
    deliveries: Any = None,
    clicks: Any = None,
    emailings: Any = None,
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
        Those events (``mailing``, ``destination``; of clicks the ``useragent`` as well).
    emailings : frame, path or Archive, optional
        Emailings (``ID``, ``timestamp``): they tell when a mailing was sent, so that the inputs can be held against it.
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
        ``unique_opens_not_only_machines``   int64                H, destinations not only fetched by machines
        ``machine_share_of_unique_opens``    float64              (U - H) / U
        ``sent``                             int64   destinations S, distinct destinations
        ``opened_not_sent``                  int64   destinations those of U that are not in S
        ``open_rate_of_sent``                float64 destinations U / S, Copernica's "percentage opened"
        ``delivered``                        int64   deliveries   D, distinct delivered destinations
        ``opened_not_delivered``             int64   deliveries   those of U that are not in D
        ``open_rate_high``                   float64 deliveries   U / D
        ``open_rate_low``                    float64 deliveries   H / D
        ``estimated_open_rate``              float64 deliveries   H / (D - (U - H)); no interval: an estimate
                                                                  that rests on the assumption in ``attrs``
        ``unique_clicks``                    int64   clicks       UC, distinct destinations with a click that
                                                                  is not a bot's
        ``unique_clicks_only_by_bots``       int64   clicks       distinct destinations clicked by scanners and
                                                                  HTTP libraries only; they count nowhere else
        ``clicked_not_opened``               int64   clicks       those of UC that are not in U
        ``click_to_open_rate``               float64 clicks       UC / U
        ``effective_opens``                  int64   clicks       destinations that opened or clicked
        ``clicked_not_delivered``            int64   both         those of UC that are not in D
        ``click_through_rate``               float64 both         UC / D
        ``not_covered``                      str                  which input does not cover the mailing, and
                                                                  since or until when; null where all do
        ==================================== ======= ============ =============================================

        A rate counts only members of its denominator: those opened and delivered, of the delivered. What falls outside
        is in a column of its own. Some clicked without an open had their images switched off; anything else outside
        means that the inputs are not of the same mail. A rate is null where its denominator is 0.

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
    >>> result[["mailing", "impressions", "unique_opens", "delivered", "open_rate_high"]]
       mailing  impressions  unique_opens  delivered  open_rate_high
    0      412            2             1          2             0.5
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
    chosen = _chosen(figures, {name for name, data in given.items() if data is not None})
    source = open_input(impressions, RequiredColumns("impressions", ("mailing", "destination", "useragent")))
    others = {
        name: source.also(given[name], required) for name, required in REQUIRED.items() if given[name] is not None
    }
    if "clicks" in others:
        others["clicks"] = with_classes(AnalysisInput(others["clicks"], source.engine), ("kind",))
    expression = _performance(with_classes(source, ("kind",)), others, chosen)
    dtypes = {column: figure.dtype for figure in chosen for column in figure.columns}
    result = source.deliver(expression, {"mailing": "int64", **dtypes, "not_covered": "str"})
    if source.lazy:
        return result
    if "estimated_open_rate" in dtypes:
        result.attrs["assumption"] = ESTIMATE_ASSUMES
    rates = [(figure.columns, figure.inputs) for figure in chosen if figure.over]
    return only_covered(result, rates, read_covered(source, given, result["mailing"]))


def _chosen(figures: Sequence[str] | None, given: set[Kind]) -> list[Figure]:
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


def _performance(rows: Any, others: Mapping[Kind, Any], chosen: list[Figure]) -> Any:
    """Define the analysis: count the messages of each mailing, and compute the figures."""
    import ibis

    table = count_messages(rows, others)
    values: dict[str, Any] = {}
    for figure in chosen:
        values |= figure.expressions(table)
    return table.select("mailing", **values, not_covered=ibis.null("string")).order_by("mailing")
