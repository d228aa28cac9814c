"""Where expressions are computed: DuckDB, a Spark session, or whatever an Ibis table lives on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Engine:
    """Where expressions are computed.

    Attributes
    ----------
    backend : ibis backend
        Which backend it is; tables of one backend can be joined.
    fetch : callable
        Computes an expression now, as an Arrow table.
    small : callable
        Makes a small Arrow table a table of this engine.
    wrap : callable or None
        Makes an expression the input's own lazy kind; None where results are pandas frames.
    """

    backend: Any
    fetch: Callable[[Any], Any]
    small: Callable[[Any], Any]
    wrap: Callable[[Any], Any] | None = None
