"""A chart as inline SVG that obeys the page's content-security policy and follows its light or dark colours.

Matplotlib writes style attributes, a style element and colours by value. Here they become presentation attributes and
classes: ``f-blue`` fills with the page's blue, ``s-blue`` strokes with it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from impressions_analytics.charts.palette import COLOURS
from impressions_analytics.charts.tips import tips_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Draw = Callable[["Axes"], object]

WIDE_INCHES, NARROW_INCHES = 9.0, 4.6
_ONE_AT_A_TIME = threading.Lock()
_POINTS = 72  # an inch of an SVG that matplotlib writes
_SVG, _XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
_CLASS_OF = {light: name for name, (light, _) in COLOURS.items()}
_DECIMALS = re.compile(r"(\.\d\d)\d+")
_REFERENCE = re.compile(r"#([\w.-]+)")
_GEOMETRY = ("d", "x", "y", "transform", "points", "width", "height")
_FONT = ("font-family", "font")


def picture(draw: Draw, name: str, description: str, *, height: float = 4.0, narrow_height: float = 4.0) -> str:
    """Draw a chart twice, for a wide and for a narrow screen, and return both as SVG elements.

    Parameters
    ----------
    draw : callable
        Draws on the Axes that it is given.
    name : str
        What the ids in the SVG begin with, so that no two pictures of a page share one.
    description : str
        What a reader who cannot see the picture should know.
    height, narrow_height : float
        The heights in inches.
    """
    wide = _svg(draw, f"{name}-wide", (WIDE_INCHES, height), description)
    narrow = _svg(draw, f"{name}-narrow", (NARROW_INCHES, narrow_height), description)
    return f"{wide}\n{narrow}"


def _svg(draw: Draw, name: str, size_inches: tuple[float, float], description: str) -> str:
    import matplotlib
    from matplotlib.figure import Figure

    # Text stays text, and the salt makes the same page of the same data. These settings are the whole process's.
    with _ONE_AT_A_TIME, matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure = Figure(figsize=size_inches, facecolor="none")
        ax = figure.subplots()
        draw(ax)
        ax.set_title("", loc="left")
        figure.tight_layout(pad=0.4)  # once: a layout engine would draw everything a second time
        buffer = BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    root = ElementTree.fromstring(buffer.getvalue())  # noqa: S314 - written just above, by matplotlib
    _clean(root, name)
    _add_tips(root, figure)
    root.set("class", name.rsplit("-", 1)[1])
    root.set("role", "img")
    root.set("aria-label", description)
    ElementTree.register_namespace("", _SVG[1:-1])
    return ElementTree.tostring(root, encoding="unicode")


def _add_tips(root: ElementTree.Element, figure: Figure) -> None:
    """Lay over the picture what its parts say when a reader points at them; the page's script shows it."""
    height = figure.get_figheight() * _POINTS
    scale = _POINTS / figure.dpi
    group = ElementTree.Element(f"{_SVG}g", {"class": "tips"})
    for ax in figure.axes:
        whole = [edge * scale for edge in ax.bbox.extents]
        for tip in tips_of(ax):
            corners = ax.transData.transform([tip.box[:2], tip.box[2:]]) * scale
            (left, right), (low, high) = sorted(corners[:, 0]), sorted(corners[:, 1])
            left, right = (whole[0], whole[2]) if tip.full_width else (left, right)
            low, high = (whole[1], whole[3]) if tip.full_height else (low, high)
            box = {"x": left, "y": height - high, "width": right - left, "height": high - low}
            place = {name: f"{value:.1f}" for name, value in box.items()}
            ElementTree.SubElement(group, f"{_SVG}rect", {**place, "data-tip": tip.words})
    if len(group):
        root.append(group)


def _clean(root: ElementTree.Element, name: str) -> None:
    """Take out what a page does not need, and put what it forbids in other words."""
    for element in list(root.iter()):
        for child in list(element):
            if child.tag in {f"{_SVG}metadata", f"{_SVG}style"}:
                element.remove(child)
        _restyle(element)
        _refer(element, name)
        for attribute in _GEOMETRY:
            if attribute in element.attrib:
                element.set(attribute, _DECIMALS.sub(r"\1", element.get(attribute, "")))
    used = set(_REFERENCE.findall(" ".join(value for element in root.iter() for value in element.attrib.values())))
    for element in root.iter():
        if element.get("id", "") not in used:
            element.attrib.pop("id", None)
    for attribute in ("width", "height"):
        root.attrib.pop(attribute, None)


def _restyle(element: ElementTree.Element) -> None:
    """Turn a style attribute into presentation attributes, and its colours into classes."""
    style = element.attrib.pop("style", "")
    pairs = [entry.split(":", 1) for entry in style.split(";") if ":" in entry]
    classes = []
    for attribute, value in ((key.strip(), value.strip()) for key, value in pairs):
        colour = _CLASS_OF.get(value.lower())
        if colour and attribute in {"fill", "stroke"}:
            classes.append(f"{attribute[0]}-{colour}")
        elif attribute not in _FONT:
            element.set(attribute, value)
    for attribute in ("fill", "stroke"):
        colour = _CLASS_OF.get(element.get(attribute, "").lower())
        if colour:
            del element.attrib[attribute]
            classes.append(f"{attribute[0]}-{colour}")
    if classes:
        element.set("class", " ".join(classes))


def _refer(element: ElementTree.Element, name: str) -> None:
    """Give ids and what refers to them the picture's own name."""
    if "id" in element.attrib:
        element.set("id", f"{name}-{element.get('id')}")
    target = element.attrib.pop(_XLINK, "")
    if target:
        element.set("href", f"#{name}-{target[1:]}")
    for attribute, value in element.attrib.items():
        if value.startswith("url(#"):
            element.set(attribute, value.replace("url(#", f"url(#{name}-"))


def colour_rules() -> str:
    """Return the style rules of the colours: variables for light and dark pages, and the classes that use them."""
    light = "".join(f"--{name}:{values[0]};" for name, values in COLOURS.items())
    dark = "".join(f"--{name}:{values[1]};" for name, values in COLOURS.items())
    used = "".join(f".f-{name}{{fill:var(--{name})}}.s-{name}{{stroke:var(--{name})}}" for name in COLOURS)
    return f":root{{{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n{used}"
