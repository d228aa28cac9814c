"""Copernica e-mail impressions as a complete, typed pandas frame, with honest figures, Parquet and charts.

    import impressions_analytics as ia
    opens = ia.load_impressions(ia.Copernica(access_token="..."), destination=112)
    ia.impressions_over_time(opens, every="day")

Names are looked up when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PUBLIC = {
    "errors": (
        "AccessDeniedError", "AnalysisError", "ApiError", "ApiUnavailableError", "ArchiveBusyError", "ArchiveError",
        "DamagedFileError", "ImpressionsError", "IncompleteLoadError", "InvalidArgumentError",
        "MalformedResponseError", "MissingColumnError", "RequestRefusedError", "SettingsError",
    ),
    "api.settings": ("Copernica",),
    "loader": (
        "iter_impressions", "load_abuses", "load_clicks", "load_deliveries", "load_destinations", "load_emailings",
        "load_errors", "load_impressions", "load_statistics", "load_unsubscribes", "plan_load", "reconcile",
    ),
    "parquet.snapshot": ("read_snapshot", "write_snapshot"),
    "archive": ("Archive",),
    "user_agents": ("classify_user_agents", "with_user_agents"),
    "analytics": (
        "compare_devices", "compare_mailings", "dominant_results", "engagement_segments", "find_anomalies",
        "forecast_opens", "human_opens", "impressions_by_hour_of_week", "impressions_over_time",
        "impressions_per_profile", "mailing_performance", "metrics", "open_decay", "time_to_open",
        "unrecognised_user_agents", "user_agent_breakdown",
    ),
    "charts": (
        "plot_forecast", "plot_hour_of_week", "plot_impressions_over_time", "plot_impressions_per_profile",
        "plot_mailing_performance", "plot_open_decay", "plot_user_agents",
    ),
    "report": ("write_report",),
}  # fmt: skip
_MODULE_OF = {name: module for module, names in _PUBLIC.items() for name in names}

__all__ = ["__version__", "sandbox"]
__all__ += list(_MODULE_OF)

if TYPE_CHECKING:  # the same names again, for editors and type checkers; a test holds the two together
    from impressions_analytics import sandbox as sandbox
    from impressions_analytics.analytics import compare_devices as compare_devices
    from impressions_analytics.analytics import compare_mailings as compare_mailings
    from impressions_analytics.analytics import dominant_results as dominant_results
    from impressions_analytics.analytics import engagement_segments as engagement_segments
    from impressions_analytics.analytics import find_anomalies as find_anomalies
    from impressions_analytics.analytics import forecast_opens as forecast_opens
    from impressions_analytics.analytics import human_opens as human_opens
    from impressions_analytics.analytics import impressions_by_hour_of_week as impressions_by_hour_of_week
    from impressions_analytics.analytics import impressions_over_time as impressions_over_time
    from impressions_analytics.analytics import impressions_per_profile as impressions_per_profile
    from impressions_analytics.analytics import mailing_performance as mailing_performance
    from impressions_analytics.analytics import metrics as metrics
    from impressions_analytics.analytics import open_decay as open_decay
    from impressions_analytics.analytics import time_to_open as time_to_open
    from impressions_analytics.analytics import unrecognised_user_agents as unrecognised_user_agents
    from impressions_analytics.analytics import user_agent_breakdown as user_agent_breakdown
    from impressions_analytics.api.settings import Copernica as Copernica
    from impressions_analytics.archive import Archive as Archive
    from impressions_analytics.charts import plot_forecast as plot_forecast
    from impressions_analytics.charts import plot_hour_of_week as plot_hour_of_week
    from impressions_analytics.charts import plot_impressions_over_time as plot_impressions_over_time
    from impressions_analytics.charts import plot_impressions_per_profile as plot_impressions_per_profile
    from impressions_analytics.charts import plot_mailing_performance as plot_mailing_performance
    from impressions_analytics.charts import plot_open_decay as plot_open_decay
    from impressions_analytics.charts import plot_user_agents as plot_user_agents
    from impressions_analytics.errors import AccessDeniedError as AccessDeniedError
    from impressions_analytics.errors import AnalysisError as AnalysisError
    from impressions_analytics.errors import ApiError as ApiError
    from impressions_analytics.errors import ApiUnavailableError as ApiUnavailableError
    from impressions_analytics.errors import ArchiveBusyError as ArchiveBusyError
    from impressions_analytics.errors import ArchiveError as ArchiveError
    from impressions_analytics.errors import DamagedFileError as DamagedFileError
    from impressions_analytics.errors import ImpressionsError as ImpressionsError
    from impressions_analytics.errors import IncompleteLoadError as IncompleteLoadError
    from impressions_analytics.errors import InvalidArgumentError as InvalidArgumentError
    from impressions_analytics.errors import MalformedResponseError as MalformedResponseError
    from impressions_analytics.errors import MissingColumnError as MissingColumnError
    from impressions_analytics.errors import RequestRefusedError as RequestRefusedError
    from impressions_analytics.errors import SettingsError as SettingsError
    from impressions_analytics.loader import iter_impressions as iter_impressions
    from impressions_analytics.loader import load_abuses as load_abuses
    from impressions_analytics.loader import load_clicks as load_clicks
    from impressions_analytics.loader import load_deliveries as load_deliveries
    from impressions_analytics.loader import load_destinations as load_destinations
    from impressions_analytics.loader import load_emailings as load_emailings
    from impressions_analytics.loader import load_errors as load_errors
    from impressions_analytics.loader import load_impressions as load_impressions
    from impressions_analytics.loader import load_statistics as load_statistics
    from impressions_analytics.loader import load_unsubscribes as load_unsubscribes
    from impressions_analytics.loader import plan_load as plan_load
    from impressions_analytics.loader import reconcile as reconcile
    from impressions_analytics.parquet.snapshot import read_snapshot as read_snapshot
    from impressions_analytics.parquet.snapshot import write_snapshot as write_snapshot
    from impressions_analytics.report import write_report as write_report
    from impressions_analytics.user_agents import classify_user_agents as classify_user_agents
    from impressions_analytics.user_agents import with_user_agents as with_user_agents


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        value = getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    elif name == "sandbox":
        value = importlib.import_module(f"{__name__}.sandbox")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
