"""A progress bar with rows, rate and time left, in a terminal or a notebook; silent elsewhere."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Any


class Progress:
    """Counts rows; shows them when asked to, or by default when a person may be looking.

    Parameters
    ----------
    show : bool, optional
        Whether to show a bar; by default when standard error is a terminal, or in a notebook.
    title : str
        What is being loaded.
    """

    def __init__(self, show: bool | None = None, title: str = "rows") -> None:
        self._bar: Any = None
        if sys.stderr is not None and (show or (show is None and (sys.stderr.isatty() or _in_notebook()))):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a kernel without widgets gets the bar of a terminal, which will do
                from tqdm.auto import tqdm

            self._bar = tqdm(total=0, desc=title, unit=" rows", unit_scale=True, leave=False, delay=0.5)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def expect(self, rows: int) -> None:
        """Add to the number of rows that are expected."""
        if self._bar is not None:
            self._bar.total += rows

    def add(self, rows: int) -> None:
        """Add to the number of rows that have come."""
        if self._bar is not None:
            self._bar.total = max(self._bar.total, self._bar.n + rows)
            self._bar.update(rows)


CLEAR_LINE = "\r\x1b[K"
"""What makes a terminal forget the line that it shows last."""


def progress_line() -> Callable[[str, object, int], None] | None:
    """Return a function that shows the progress of a sync on one line; None when no person is watching."""
    if sys.stderr is None or not sys.stderr.isatty():
        return None
    return lambda kind, until, rows: print(  # noqa: T201
        f"{CLEAR_LINE}{kind} up to {until}: {rows:,} rows", end="", file=sys.stderr, flush=True
    )


def clear_line() -> None:
    """Take the line of `progress_line` away, so that what is printed next stands on a line of its own."""
    if sys.stderr is not None and sys.stderr.isatty():
        sys.stderr.write(CLEAR_LINE)


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    running = shell.get_ipython() if shell is not None else None
    return type(running).__name__ == "ZMQInteractiveShell"
