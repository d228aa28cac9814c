"""The charts: each takes the small result frame of an analysis and an optional Axes, and returns the Axes.

A chart draws what it is given and counts nothing. Without ``ax`` it opens a figure of its own: in a notebook that
figure shows below the cell; in a script nothing stays open, and ``ax.figure.savefig("chart.svg")`` writes it.
"""

from __future__ import annotations

from impressions_analytics.charts.over_time import plot_impressions_over_time
from impressions_analytics.charts.profiles import plot_impressions_per_profile
from impressions_analytics.charts.programs import plot_user_agents

__all__ = ["plot_impressions_over_time", "plot_impressions_per_profile", "plot_user_agents"]
