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
    "settings": ("Copernica",),
    "loader": (
        "iter_impressions", "load_abuses", "load_clicks", "load_deliveries", "load_destinations", "load_emailings",
        "load_errors", "load_impressions", "load_unsubscribes",
    ),
    "totals": ("load_statistics", "plan_load", "reconcile"),
    "snapshot": ("read_snapshot", "write_snapshot"),
    "archive": ("Archive",),
    "user_agents": ("classify_user_agents", "with_user_agents"),
    "analytics": (
        "compare_devices", "dominant_results", "engagement_segments", "human_opens", "impressions_by_hour_of_week",
        "impressions_over_time", "impressions_per_profile", "mailing_performance", "metrics", "open_decay",
        "time_to_open", "unrecognised_user_agents", "user_agent_breakdown",
    ),
    "charts": (
        "plot_hour_of_week", "plot_impressions_over_time", "plot_impressions_per_profile", "plot_mailing_performance",
        "plot_open_decay", "plot_user_agents",
    ),
    "report": ("write_report",),
}  # fmt: skip
_MODULE_OF = {name: module for module, names in _PUBLIC.items() for name in names}

__all__ = ["__version__", "sandbox"]
__all__ += list(_MODULE_OF)

if TYPE_CHECKING:
    from impressions_analytics import sandbox as sandbox


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
