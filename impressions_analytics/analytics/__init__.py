"""The analyses: every figure is defined once, as an expression that runs on whatever holds the data.

Each takes a pandas, Polars or Arrow frame, a Parquet path or glob, or an `Archive`, and returns a pandas frame; given
an Ibis table or a Spark frame it returns the same kind, still lazy. Column order, types and row order are part of the
promise, an empty input gives an empty result with the same columns, and the input is never changed. Daily log files
(`recipients.py`) are taken as frames in memory, or from an `Archive` that keeps them.
"""

from __future__ import annotations

from impressions_analytics.analytics.anomalies import find_anomalies
from impressions_analytics.analytics.breakdown import user_agent_breakdown
from impressions_analytics.analytics.compare import compare_mailings
from impressions_analytics.analytics.decay import open_decay, time_to_open
from impressions_analytics.analytics.dominant import dominant_results
from impressions_analytics.analytics.engagement import engagement_segments
from impressions_analytics.analytics.forecast import forecast_opens
from impressions_analytics.analytics.glossary import metrics
from impressions_analytics.analytics.hours import impressions_by_hour_of_week
from impressions_analytics.analytics.machines import compare_devices, human_opens, unrecognised_user_agents
from impressions_analytics.analytics.mailings import mailing_performance
from impressions_analytics.analytics.over_time import impressions_over_time
from impressions_analytics.analytics.profiles import impressions_per_profile
from impressions_analytics.analytics.recipients import country_breakdown, provider_breakdown

__all__ = [
    "compare_devices",
    "compare_mailings",
    "country_breakdown",
    "dominant_results",
    "engagement_segments",
    "find_anomalies",
    "forecast_opens",
    "human_opens",
    "impressions_by_hour_of_week",
    "impressions_over_time",
    "impressions_per_profile",
    "mailing_performance",
    "metrics",
    "open_decay",
    "provider_breakdown",
    "time_to_open",
    "unrecognised_user_agents",
    "user_agent_breakdown",
]
