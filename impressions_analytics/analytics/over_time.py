"""Impressions per period: hours, days, weeks, months, quarters or years of the account's wall clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

Every = Literal["hour", "day", "week", "month", "quarter", "year"]


def impressions_over_time(
    data: Any,
    *,
    every: Every = "day",
    by: str | Sequence[str] | None = None,
    count: Literal["impressions", "first"] = "impressions",
    cumulative: bool = False,
) -> Any:
    """Count impressions per period of the account's wall clock.

    Parameters
    ----------
    data : frame, path, Archive, Ibis table or Spark frame
        Impressions with the columns ``timestamp``, ``destination``, ``profile`` and those of `by`
        (``profile`` is not needed for ``count="first"``).
    every : {"hour", "day", "week", "month", "quarter", "year"}
        The length of a period; weeks begin on Monday.
    by : str or sequence of str, optional
        Columns to count apart, such as ``"mailing"``; a null is a group of its own, sorted last.
    count : {"impressions", "first"}
        ``"impressions"`` counts every impression. ``"first"`` counts each destination once, in the period of its
        earliest impression (within its group), so that the figures of the periods add up to the unique opens.
    cumulative : bool
        Count from the first period up to and including each period instead of within it; distinct destinations and
        profiles are then those seen so far, counted once.

    Returns
    -------
    DataFrame
        One row per period (and group), ordered by ``period``, then `by`; periods without impressions are rows with 0,
        from the first to the last period of the data, for every group. Columns:

        ====================== ============== ===========================================================
        ``period``             datetime64[us] start of the period, wall clock
        `by`                   as in the data one column per name in `by`
        ``impressions``        int64          impression rows
        ``destinations``       int64          distinct destinations with an impression
        ``profiles``           int64          distinct profiles with an impression; no profile counts as none
        ====================== ============== ===========================================================

        With ``count="first"`` the three counts are replaced by one, ``first_opens`` (int64).

    Raises
    ------
    MissingColumnError
        A needed column is absent or of a wrong type.
    InvalidArgumentError
        `every`, `by` or `count` cannot be used.

    Notes
    -----
    Distinct destinations and profiles do not add up across periods. The hour that occurs twice in autumn is one hour
    here, since the wall clock does not tell the two apart.
    """
    raise NotImplementedError
