"""The report: analyses and charts on one self-contained page."""

from __future__ import annotations

from impressions_analytics.report.show import show
from impressions_analytics.report.write import write_report

__all__ = ["show", "write_report"]
