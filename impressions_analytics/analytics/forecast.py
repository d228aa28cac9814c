"""How many will still open: the final opens of a mailing from its first hours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from impressions_analytics.analytics.choices import moment, whole_number
from impressions_analytics.analytics.forecast_case import final_rows, hourly_rows, make_case, past_rows
from impressions_analytics.analytics.kinds_of_open import OPENED_BY_READER, chosen_kinds
from impressions_analytics.analytics.sendings import read_sendings
from impressions_analytics.errors import AnalysisError, InvalidArgumentError

ASSUMPTION = (
    "The opens of this mailing grow as those of the comparable mailings did: finished mailings sent within three hours "
    "of the same hour, on a weekday or in a weekend alike. What is new about this mailing is in its count so far."
)
_FINAL = {
    "mailing": "int64", "measure": "str", "as_of": "datetime64[us]", "hours": "float64", "delivered": "int64",
    "messages_so_far": "int64", "forecast_low": "int64", "forecast": "int64", "forecast_high": "int64",
    "rate_low": "float64", "rate": "float64", "rate_high": "float64", "learnt_from": "int64", "method": "str",
    "backtested": "int64", "backtest_coverage": "float64", "answer": "str",
}  # fmt: skip
_HOURLY = {
    "mailing": "int64", "measure": "str", "hours": "int64", "observed": "bool", "delivered": "int64",
    "forecast_low": "int64", "forecast": "int64", "forecast_high": "int64",
}  # fmt: skip
_PAST = {
    "mailing": "int64", "measure": "str", "sent_at": "datetime64[us]", "messages_so_far": "int64",
    "forecast_low": "int64", "forecast": "int64", "forecast_high": "int64", "final": "int64", "inside": "bool",
    "learnt_from": "int64",
}  # fmt: skip


def forecast_opens(
    opens: Any,
    destinations: Any,
    deliveries: Any,
    *,
    mailing: int,
    clicks: Any = None,
    as_of: Any = None,
    level: float = 0.9,
    horizon_hours: int = 168,
    kinds: str | Sequence[str] | None = OPENED_BY_READER,
    hourly: bool = False,
    backtest: bool = False,
) -> pd.DataFrame:
    """Forecast the final human opens (and clicks) of a mailing from those so far, with an interval.

    Parameters
    ----------
    opens : frame, path, Archive, Ibis table or Spark frame
        Impressions with the columns ``mailing``, ``destination``, ``timestamp``, ``useragent``.
    destinations : frame, path or Archive
        Destinations (``ID``, ``mailing``, ``timestampsent``).
    deliveries : frame, path or Archive
        Deliveries (``mailing``, ``destination``).
    mailing : int
        The mailing to forecast. The others in the data are what is learnt from.
    clicks : frame, path or Archive, optional
        Clicks (the columns of the impressions): they are forecast as well. Clicks by bots do not count.
    as_of : datetime-like or str, optional
        The moment of the forecast, wall clock. When not given, where the certificate of the opens ends, else the latest
        impression.
    level : float
        How often the interval shall hold the final count, between 0.5 and 0.99.
    horizon_hours : int
        What is final: messages opened within this many hours of the sending of the mailing.
    kinds : str or sequence of str, optional
        The kinds of open that count as a human's; all of them when None.
    hourly : bool
        Return the forecast for each whole hour, as `plot_forecast` draws it.
    backtest : bool
        Return what the same method forecast for the past mailings at the same age, and what came.

    Returns
    -------
    DataFrame
        One row for opens, and one for clicks if they are given. Columns:

        ===================== ============== ===================================================================
        ``mailing``           int64          the mailing
        ``measure``           str            ``"opens"`` or ``"clicks"``
        ``as_of``             datetime64[us] the moment of the forecast
        ``hours``             float64        the age of the mailing then
        ``delivered``         int64          delivered messages
        ``messages_so_far``   int64          delivered messages with a human open (or a click) until then
        ``forecast_low``, ``forecast``,      the final number, with its interval
        ``forecast_high``     int64
        ``rate_low``, ``rate``, ``rate_high`` float64, the same as shares of delivered
        ``learnt_from``       int64          comparable mailings; ``attrs["learnt_from"]`` names them
        ``method``            str            ``"student"``, ``"conformal"``, or ``"counted"`` for a finished mailing
        ``backtested``        int64          past mailings that the method could be tried on
        ``backtest_coverage`` float64        the share of them whose final count was in its interval; null if none
        ``answer``            str            the forecast in words
        ===================== ============== ===================================================================

        With `hourly`: one row per measure and hour (``hours``, ``observed``, ``forecast_low``, ``forecast``,
        ``forecast_high``, ``delivered``). With `backtest`: one row per measure and past mailing (``sent_at``,
        ``messages_so_far``, ``forecast_low``, ``forecast``, ``forecast_high``, ``final``, ``inside``, ``learnt_from``).
        ``attrs["assumption"]`` says what a forecast rests on, and ``attrs["kinds"]`` which kinds of open it counts.

    Raises
    ------
    AnalysisError
        There are fewer than six comparable mailings, or the mailing is unknown or not sent yet, or an input does not
        cover it by its certificate (see `mailing_performance`). Other mailings that are not covered are left out.
    InvalidArgumentError
        An argument cannot be used.
    MissingColumnError
        A needed column is absent or of a wrong type.

    Notes
    -----
    The growth r = log((final + 1/2) / (so far + 1/2)) is taken over the finished mailings that are comparable: sent
    within three hours of the same hour, on a weekday or in a weekend alike, of at least 50 delivered messages. Other
    hours grow differently (an evening mailing waits for the morning), so without six comparable mailings there is no
    forecast. The interval is Student's, and conformal as soon as there are enough mailings (19 at a level of 0.9). The
    back-test repeats this for each finished mailing with what was finished at that moment. A change of the clocks in
    between moves a time by one hour.

    References
    ----------
    G. Szabo and B. Huberman, "Predicting the popularity of online content", CACM 53 (2010), for the logarithm.
    G. Shafer and V. Vovk, "A Tutorial on Conformal Prediction", JMLR 9 (2008).

    Examples
    --------
    >>> import pandas as pd
    >>> sent = pd.date_range("2026-01-05 09:00", periods=7, freq="7D").as_unit("us")
    >>> number, mailing = range(700), [401 + one // 100 for one in range(700)]
    >>> destinations = pd.DataFrame({"ID": number, "mailing": mailing, "timestampsent": sent.repeat(100)})
    >>> deliveries = pd.DataFrame({"mailing": mailing, "destination": number})
    >>> opens = destinations.rename(columns={"ID": "destination"}).iloc[::2]  # each second message, half after an hour
    >>> late = pd.to_timedelta([0.5, 30.0] * 175, unit="h")
    >>> opens = opens.assign(timestamp=opens["timestampsent"] + late, useragent="Microsoft Outlook 2007, WinXP")
    >>> result = forecast_opens(opens, destinations, deliveries, mailing=407, as_of="2026-02-16 11:00")
    >>> result[["hours", "messages_so_far", "forecast", "learnt_from"]]
       hours  messages_so_far  forecast  learnt_from
    0    2.0               25        50            6
    """
    whole_number("mailing", int(mailing) if isinstance(mailing, np.integer) else mailing, least=0)
    _check(level, horizon_hours, hourly=hourly, backtest=backtest)
    read, until, covered = read_sendings(
        opens, destinations, deliveries, clicks, chosen_kinds(kinds), horizon=pd.Timedelta(hours=horizon_hours)
    )
    if lacking := covered.words(int(mailing)):
        raise AnalysisError(f"nothing is forecast, for the data do not cover mailing {mailing}: {lacking}")
    now = until if as_of is None else moment("as_of", as_of)
    horizon = 60 * horizon_hours
    rows: list[dict[str, Any]] = []
    learnt_from: dict[str, list[int]] = {}
    for measure, sendings in read.items():
        case = make_case(sendings, mailing, now, horizon, level)
        learnt_from[measure] = [one.mailing for one in case.past]
        write = past_rows if backtest else hourly_rows if hourly else final_rows
        rows += [{"mailing": mailing, "measure": measure, **row} for row in write(case)]
    dtypes = _PAST if backtest else _HOURLY if hourly else _FINAL
    result = pd.DataFrame(rows, columns=list(dtypes)).astype(dtypes)
    result.attrs = {"assumption": ASSUMPTION, "level": level, "learnt_from": learnt_from}
    result.attrs["not_proven"] = covered.attrs([])["not_proven"]
    result.attrs["kinds"] = list(chosen_kinds(kinds))
    return result


def _check(level: float, horizon_hours: int, *, hourly: bool, backtest: bool) -> None:
    whole_number("horizon_hours", horizon_hours, least=1)
    if isinstance(level, bool) or not isinstance(level, int | float) or not 0.5 <= level <= 0.99:
        raise InvalidArgumentError(f"level must be a number from 0.5 to 0.99, got {level!r}")
    if hourly and backtest:
        raise InvalidArgumentError("give either hourly=True or backtest=True: they return different tables")
