"""Every colour, dash, marker and hatch of the charts and the report, in one table.

Each colour has a value for light and one for dark pages, and stands out from its page by at least 3:1. Series differ by
dash and marker as well as by colour, and bars by hatch, so that they are told apart in greyscale and by the
colour-blind.
"""

from __future__ import annotations

from dataclasses import dataclass

COLOURS: dict[str, tuple[str, str]] = {
    "page": ("#ffffff", "#14181d"),
    "ink": ("#1b2733", "#e8ecf0"),
    "muted": ("#5a6875", "#a3b0bc"),
    "grid": ("#d9dee3", "#343c45"),
    "weekend": ("#eef1f4", "#1e252c"),
    "night": ("#e1e6eb", "#29323b"),
    "blue": ("#0072b2", "#56b4e9"),
    "vermilion": ("#d04e00", "#ff8f55"),
    "green": ("#00805f", "#41c997"),
    "purple": ("#a34292", "#e094d2"),
    "ochre": ("#8a6a00", "#e3b341"),
    "slate": ("#44546a", "#b9c5d1"),
    "kind1": ("#0b3c66", "#8fcdf8"),
    "kind2": ("#2a7fb8", "#3f8fc9"),
    "kind3": ("#b07c00", "#e8b93f"),
    "kind4": ("#a83208", "#ff8f55"),
    "kind5": ("#76828e", "#93a0ad"),
    "heat0": ("#f1f5f9", "#1b2027"),
    "heat1": ("#d6e4f0", "#1b3347"),
    "heat2": ("#b0cee4", "#1c4867"),
    "heat3": ("#80b1d4", "#1f6089"),
    "heat4": ("#4d8fbe", "#2f80b1"),
    "heat5": ("#246a9f", "#5fa8d6"),
    "heat6": ("#0c4474", "#a6d4f2"),
}
"""Name -> (on a light page, on a dark page).

The five ``kind`` colours are those of the kinds of open; in grey, each differs from its neighbours in a stack. The
seven ``heat`` steps run from little to much.
"""

PAGE, INK, MUTED, GRID, WEEKEND, NIGHT = (
    COLOURS[name][0] for name in ("page", "ink", "muted", "grid", "weekend", "night")
)
AMBER = COLOURS["ochre"][0]
HEAT = tuple(light for name, (light, _) in COLOURS.items() if name.startswith("heat"))


@dataclass(frozen=True, slots=True)
class Series:
    """How one series looks, in every way that tells it apart."""

    colour: str
    dash: str | tuple[int, tuple[float, ...]]
    marker: str
    hatch: str = ""


def _series(name: str, *look: object) -> Series:
    return Series(COLOURS[name][0], *look)  # type: ignore[arg-type]


SERIES = (
    _series("blue", "-", "o"),
    _series("vermilion", (0, (5, 2)), "s", "///"),
    _series("green", (0, (1, 1.2)), "^", "|||"),
    _series("purple", (0, (6, 1.5, 1, 1.5)), "D", "\\\\\\"),
    _series("ochre", (0, (3, 1.2)), "v", "xxx"),
    _series("slate", (0, (8, 2, 1, 2, 1, 2)), "P", "---"),
)
"""The looks of series, in the order in which they are used."""

OTHERS = _series("kind5", (0, (1, 2)), "", "")
"""The look of what is drawn together because there is too much of it."""

WHOLE, PART = _series("heat4", "-", "o"), _series("heat6", (0, (5, 2)), "s")
"""The looks of a count, and of what is a part of it and stands before it."""

KIND_OF_OPEN = {
    "person": _series("kind1", "-", "o"),
    "proxy": _series("kind2", "-", "s"),
    "prefetch": _series("kind3", "-", "^", "///"),
    "bot": _series("kind4", "-", "D", "xxx"),
    "unknown": _series("kind5", "-", "v", "\\\\\\"),
}
"""The look of each kind of open, in the order in which they are stacked; the same wherever kinds are drawn."""
