"""What each part of a chart says when a reader points at it; a picture itself cannot say it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True)
class Tip:
    """A part of a chart, as left, bottom, right and top in the numbers of its axes, and what it says.

    `full_height` stretches it over the whole height of the Axes, `full_width` over the whole width.
    """

    box: tuple[float, float, float, float]
    words: str
    full_height: bool = False
    full_width: bool = False


_TIPS: WeakKeyDictionary[Axes, list[Tip]] = WeakKeyDictionary()


def tell(ax: Axes, tip: Tip) -> None:
    """Let a part of the chart say something."""
    _TIPS.setdefault(ax, []).append(tip)


def tips_of(ax: Axes) -> list[Tip]:
    """Return what the parts of a chart say."""
    return _TIPS.get(ax, [])
