"""From the API to a typed frame, with the certificate that says what it is."""

from __future__ import annotations

from impressions_analytics.loader.account import consumption
from impressions_analytics.loader.concat import concat_loads
from impressions_analytics.loader.load import (
    iter_events,
    iter_impressions,
    load_abuses,
    load_clicks,
    load_deliveries,
    load_errors,
    load_events,
    load_impressions,
    load_unsubscribes,
)
from impressions_analytics.loader.logs import load_log, log_days
from impressions_analytics.loader.mailings import load_destinations, load_emailings
from impressions_analytics.loader.reconciliation import reconcile
from impressions_analytics.loader.totals import load_statistics, plan_load

__all__ = [
    "concat_loads",
    "consumption",
    "iter_events",
    "iter_impressions",
    "load_abuses",
    "load_clicks",
    "load_deliveries",
    "load_destinations",
    "load_emailings",
    "load_errors",
    "load_events",
    "load_impressions",
    "load_log",
    "load_statistics",
    "load_unsubscribes",
    "log_days",
    "plan_load",
    "reconcile",
]
