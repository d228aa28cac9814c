"""A part of the page, and how high its picture is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from impressions_analytics.report.tables import HtmlTable


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page.

    Attributes
    ----------
    title : str
        Its heading.
    says : str
        What the chart shows, in words that do without it.
    picture : str
        The chart as SVG, or nothing.
    tables : list of HtmlTable
        The figures.
    """

    title: str
    says: str
    picture: str = ""
    tables: list[HtmlTable] = field(default_factory=list)


def heights(rows: int) -> dict[str, float]:
    """Return how high a picture with a row for each of so many is, on a wide and on a narrow screen."""
    drawn = min(20, max(4, rows))
    return {"height": 1.8 + 0.28 * drawn, "narrow_height": 2.2 + 0.25 * drawn}
