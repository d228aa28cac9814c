"""The figures of each mailing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


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
        ``human_opens``                      int64                H, destinations not only fetched by machines
        ``machine_share_of_unique_opens``    float64              (U - H) / U
        ``sent``                             int64   destinations S, distinct destinations
        ``open_rate_of_sent``                float64 destinations U / S, Copernica's "percentage opened"
        ``delivered``                        int64   deliveries   D, distinct delivered destinations
        ``open_rate_of_delivered``           float64 deliveries   U / D, the upper bound of human opens
        ``human_open_rate_of_delivered``     float64 deliveries   H / D, the lower bound of human opens
        ``estimated_open_rate_of_delivered`` float64 deliveries   H / (D - (U - H)); no interval: an estimate that
                                                                  rests on the assumption in ``attrs``
        ``unique_clicks``                    int64   clicks       UC, distinct destinations with a click
        ``click_to_open_rate_of_opened``     float64 clicks       UC / U
        ``effective_opens``                  int64   clicks       destinations that opened or clicked
        ``click_through_rate_of_delivered``  float64 both         UC / D
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
    """
    raise NotImplementedError
