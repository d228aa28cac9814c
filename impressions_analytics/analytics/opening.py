"""How long after sending mail is opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def time_to_open(data: Any, destinations: Any, *, by: str | Sequence[str] | None = None) -> Any:
    """Measure the time from sending to the first impression, over the destinations that were opened.

    Parameters
    ----------
    data : frame, path, Archive, Ibis table or Spark frame
        Impressions with the columns ``timestamp``, ``destination``.
    destinations : frame, path or Archive
        Destinations (``ID``, ``timestampsent`` and the columns of `by`).
    by : str or sequence of str, optional
        Columns of `destinations` to measure apart, such as ``"mailing"``.

    Returns
    -------
    DataFrame
        One row per group ordered by it, or a single row when `by` is None. Columns:

        ================ ========== ===========================================================================
        `by`             as in data one column per name in `by`
        ``n``            int64      destinations that were sent and opened
        ``median_hours`` float64    least time within which half of them were opened, in hours; null if n is 0
        ``p90_hours``    float64    the same for nine tenths
        ================ ========== ===========================================================================

        No mean: a few late opens would own it. An open that the wall clock puts before its sending (possible only
        when the clocks go back) took no time.

    Raises
    ------
    MissingColumnError
        A needed column is absent or of a wrong type.

    Notes
    -----
    A time that spans a change of the clocks is one hour off.
    """
    raise NotImplementedError


def open_decay(
    data: Any, destinations: Any, *, by: str | None = "mailing", horizon_hours: int = 168, as_of: Any = None
) -> Any:
    """Follow how the unique opens of a mailing add up after sending, and when half of them were reached.

    Parameters
    ----------
    data : frame, path, Archive, Ibis table or Spark frame
        Impressions with the columns ``timestamp``, ``destination``.
    destinations : frame, path or Archive
        Destinations (``ID``, ``timestampsent`` and `by`).
    by : str or None
        The column of `destinations` to follow apart; None follows all together.
    horizon_hours : int
        Opens up to this long after sending are followed; those later are left out.
    as_of : datetime-like or str, optional
        Until when the impressions are known, wall clock; the latest impression when not given.

    Returns
    -------
    DataFrame
        One row per group and whole hour from 0 to `horizon_hours`, in that order. Columns:

        =================== ========== ==========================================================================
        `by`                as in data the group
        ``hours``           int64      hours after the sending of each destination
        ``opens``           int64      destinations whose first impression came within that time
        ``share``           float64    of the opens within the horizon; null while not mature
        ``half_life_hours`` float64    least time with a share of one half, in hours; null while not mature
        ``mature``          bool       whether the horizon has passed for every destination of the group
        =================== ========== ==========================================================================

        While a group is not mature, its final opens are not known: its counts are shown, its shares are null.

    Raises
    ------
    MissingColumnError
        A needed column is absent or of a wrong type.
    InvalidArgumentError
        `horizon_hours` or `as_of` cannot be used.

    Notes
    -----
    A time that spans a change of the clocks is one hour off.
    """
    raise NotImplementedError
