"""The parts of the page on providers and countries: what an archive can tell that keeps the daily log files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from impressions_analytics import analytics
from impressions_analytics.errors import ImpressionsError

LOG_DAYS = 90
"""So many last days of the logs are read: they are large, and the question is how things stand now."""
_LOGS = ("impressions", "deliveries", "errors")


@dataclass(frozen=True)
class Recipients:
    """The results that need log files, and the first day that they are of."""

    since: pd.Timestamp
    providers: pd.DataFrame
    countries: pd.DataFrame


def recipients_of(archive: Any, last: pd.Timestamp | None) -> Recipients | None:
    """Return the results of the last days before the last impression; None where no log files are kept."""
    if archive is None or last is None or not callable(getattr(archive, "read_log", None)):
        return None
    since = (last - pd.Timedelta(days=LOG_DAYS)).normalize()
    try:
        opens, deliveries, errors = (archive.read_log(kind, begin=since) for kind in _LOGS)
    except ImpressionsError:  # an archive that was synced without log files says so
        return None
    if opens.empty or deliveries.empty:
        return None
    begin = max(since, opens["timestamp"].min().normalize())
    providers = analytics.provider_breakdown(opens, deliveries=deliveries, errors=errors)
    return Recipients(begin, providers, analytics.country_breakdown(opens))
