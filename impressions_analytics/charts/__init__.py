"""The charts: each takes the small result frame of an analysis and an optional Axes, and returns the Axes.

A chart draws what it is given and counts nothing. Without ``ax`` it opens a figure of its own: in a notebook that
figure shows below the cell; in a script nothing stays open, and ``ax.figure.savefig("chart.svg")`` writes it.
"""

from __future__ import annotations

from impressions_analytics.charts.breakdown import plot_user_agents
from impressions_analytics.charts.decay import plot_open_decay
from impressions_analytics.charts.forecast import plot_forecast
from impressions_analytics.charts.hours import plot_hour_of_week
from impressions_analytics.charts.mailings import plot_mailing_performance
from impressions_analytics.charts.over_time import plot_impressions_over_time
from impressions_analytics.charts.profiles import plot_impressions_per_profile

__all__ = [
    "plot_forecast",
    "plot_hour_of_week",
    "plot_impressions_over_time",
    "plot_impressions_per_profile",
    "plot_mailing_performance",
    "plot_open_decay",
    "plot_user_agents",
]
