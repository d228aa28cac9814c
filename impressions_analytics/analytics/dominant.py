"""Copernica's own result screen, recomputed."""

from __future__ import annotations

from typing import Any


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
        =============================================== ======= =====================================================

    Raises
    ------
    AnalysisError
        An input is None: every result depends on all of them.
    MissingColumnError
        A needed column is absent or of a wrong type.
    """
    raise NotImplementedError
