"""The labels of an axis of dates, with the months of the language that is spoken."""

from __future__ import annotations

import re
from collections.abc import Sequence

from matplotlib.dates import ConciseDateFormatter

from impressions_analytics.charts.language import word

_MONTH = re.compile("Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec")


class DateLabels(ConciseDateFormatter):
    """Matplotlib's concise labels; it knows the months of the machine only."""

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Return the labels of all ticks."""
        return [_translated(label) for label in super().format_ticks(values)]  # type: ignore[no-untyped-call]

    def get_offset(self) -> str:
        """Return what stands at the end of the axis."""
        return _translated(super().get_offset())  # type: ignore[no-untyped-call]


def _translated(label: str) -> str:
    return _MONTH.sub(lambda month: word(month[0]), label)
