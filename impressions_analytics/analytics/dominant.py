"""Copernica's own result screen, recomputed."""

from __future__ import annotations

from typing import Any, cast

from impressions_analytics.analytics.covered import only_covered, read_covered
from impressions_analytics.analytics.rates import interval_names, wilson
from impressions_analytics.columns import Kind
from impressions_analytics.engine import RequiredColumns, open_input
from impressions_analytics.engine.kinds import kind_of_input
from impressions_analytics.errors import AnalysisError

_RESULTS = ("complaints", "unsubscribes", "clicks", "impressions", "errors", "no_response")
_DTYPES = {
    **dict.fromkeys(("mailing", "destinations", *_RESULTS), "int64"),
    **dict.fromkeys(interval_names("copernica_click_through_rate"), "float64"),
    "not_covered": "str",
}


@kind_of_input
def dominant_results(
    destinations: Any, *, impressions: Any, clicks: Any, unsubscribes: Any, abuses: Any, errors: Any
) -> Any:
    """Count one result per destination, the weightiest, as Copernica's screens do.

    The order is complaint, unsubscribe, click, impression, error, no response.

    Parameters
    ----------
    destinations : frame, path, Archive, Ibis table or Spark frame
        Destinations (``ID``, ``mailing``): what was sent.
    impressions, clicks, unsubscribes, abuses, errors : frame, path or Archive
        The events (``destination``) of those destinations; an empty frame where there were none.

    Returns
    -------
    DataFrame
        One row per mailing, ordered by it; the six results add up to ``destinations``. Columns:

        =============================================== ======= =====================================================
        ``mailing``                                     int64   the mailing
        ``destinations``                                int64   distinct destinations
        ``complaints``                                  int64   with an abuse report
        ``unsubscribes``                                int64   with an unsubscribe, and none of the above
        ``clicks``                                      int64   with a click, and none of the above
        ``impressions``                                 int64   with an impression, and none of the above
        ``errors``                                      int64   with an error, and none of the above
        ``no_response``                                 int64   with none of them
        ``copernica_click_through_rate``                float64 clicks / (impressions + clicks); null if both are 0
        ``copernica_click_through_rate_ci_low``         float64 95% Wilson interval, lower end
        ``copernica_click_through_rate_ci_high``        float64 95% Wilson interval, upper end
        ``not_covered``                                 str     which input does not cover the mailing, since or until
                                                                when; then there is no rate. See `mailing_performance`
        =============================================== ======= =====================================================

    Raises
    ------
    AnalysisError
        An input is None: every result depends on all of them.
    MissingColumnError
        A needed column is absent or of a wrong type.

    Examples
    --------
    >>> import pandas as pd
    >>> sent = pd.DataFrame({"ID": [112, 113, 114], "mailing": [412, 412, 412]})
    >>> opened, none = pd.DataFrame({"destination": [112, 113]}), pd.DataFrame({"destination": []}, dtype="int64")
    >>> clicked = pd.DataFrame({"destination": [112]})
    >>> result = dominant_results(
    ...     sent, impressions=opened, clicks=clicked, unsubscribes=none, abuses=none, errors=none
    ... )
    >>> result[["mailing", "destinations", "clicks", "impressions", "no_response"]]
       mailing  destinations  clicks  impressions  no_response
    0      412             3       1            1            1
    """
    given = {
        "abuses": abuses, "unsubscribes": unsubscribes, "clicks": clicks, "impressions": impressions, "errors": errors,
    }  # fmt: skip
    missing = [name for name, data in given.items() if data is None]
    if missing:
        raise AnalysisError(f"dominant results need {', '.join(missing)}: give an empty frame where there were none")
    source = open_input(destinations, RequiredColumns("destinations", ("ID", "mailing")))
    events = [source.also(data, RequiredColumns(cast("Kind", name), ("destination",))) for name, data in given.items()]
    result = source.deliver(_dominant_results(source.table, events), _DTYPES)
    if source.lazy:
        return result
    inputs: dict[Kind, Any] = {"destinations": destinations, **cast("dict[Kind, Any]", given)}
    rates = [(interval_names("copernica_click_through_rate"), tuple(inputs))]
    return only_covered(result, rates, read_covered(source, inputs, result["mailing"]))


def _dominant_results(sent: Any, events: list[Any]) -> Any:
    """Define the analysis: each destination's weightiest event, counted per mailing."""
    import ibis

    ranked = [table.select("destination", rank=ibis.literal(rank, "int64")) for rank, table in enumerate(events)]
    weightiest = ibis.union(*ranked).group_by("destination").aggregate(rank=ibis._["rank"].min())
    sent = sent.distinct()
    joined = sent.left_join(weightiest, weightiest.destination == sent.ID)
    results = joined.select("mailing", rank=joined["rank"].fill_null(len(events)))
    counted = {name: (results["rank"] == rank).sum().cast("int64") for rank, name in enumerate(_RESULTS)}
    table = results.group_by("mailing").aggregate(destinations=results.count(), **counted)
    rate = wilson("copernica_click_through_rate", table.clicks, table.impressions + table.clicks)
    return table.mutate(**rate, not_covered=ibis.null("string")).order_by("mailing")
