"""The load of one window of one list: which pages to ask for, and when its rows are proven complete.

A list's order is unknown and rows may arrive while it is paged, so positions prove nothing. What proves a window is the
number of different IDs received, held against the API's own total, counted after every other page had been received.
A `WindowLoad` only decides; `slicing.py` sends its requests and hands it the pages.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pyarrow as pa

from impressions_analytics.api.endpoints import ALWAYS_SAID, BY_DAY, Endpoint, PeriodStyle, period_parameters
from impressions_analytics.api.windows import SECOND, Window
from impressions_analytics.columns import time_column
from impressions_analytics.errors import RequestRefusedError
from impressions_analytics.loader.decode import Page, is_gone
from impressions_analytics.loader.page_checks import check_end, check_envelope

PAGE_ROWS = 1000  # the most that the API gives
DEEP_ROWS = 20 * PAGE_ROWS  # a list longer than this is cut by time: large offsets are slow
FULL_ROWS = 14_600  # rows to aim at in a window: uneven ones then rarely need cutting again, or half a page each

SLICED_STYLES: set[PeriodStyle] = {"fields", "fields_sent", "begintime", "from"}  # of lists that grow long

Outcome = Literal["under way", "settled", "unsettled", "too long", "period ignored", "dropped"]


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One page to ask for, how many bodies of it could not be read so far, and how many did not add up."""

    window_load: WindowLoad
    start: int
    count_all: bool
    bodies: int = 0
    faults: int = 0


@dataclass(slots=True, eq=False)
class ListLoad:
    """One list that is being loaded, and the sums of its windows so far.

    Attributes
    ----------
    endpoint, window : Endpoint, Window
        Where it is, and which rows of it are wanted.
    bounded : bool
        Whether the caller named an end of the period: only then the API is asked for a period from the start.
    windows : int
        Walks that settled.
    whole : int or None
        What the API counted for the list as a whole, where it was then cut into windows.
    held : int
        How many of those rows the windows held, with rows at the outer edge that the count may hold too.
    may_be_gone, gone : bool
        Whether the API may not know the list any more, and whether that is so: then it holds no rows.
    """

    endpoint: Endpoint
    window: Window
    bounded: bool
    windows: int = 0
    whole: int | None = None
    held: int = 0
    after: int = 0
    period_ignored: bool = False
    may_be_gone: bool = False
    gone: bool = False

    @property
    def asks_for_period(self) -> bool:
        """Whether the first call names a period."""
        return self.bounded or self.endpoint.period_style in ALWAYS_SAID

    def ask_otherwise(self) -> None:
        """Say periods in the next style that the endpoint may know."""
        style, *others = self.endpoint.other_styles
        self.endpoint = replace(self.endpoint, period_style=style, other_styles=tuple(others))

    def add(self, window_load: WindowLoad) -> None:
        """Count one loaded window; windows come in the order of time."""
        self.held += len(window_load.rows) + (window_load.rows_before if self.windows == 0 else 0)
        self.held += window_load.rows_after - self.after
        self.after = window_load.rows_after
        self.windows += 1


class WindowLoad:
    """One pass over the rows of one window of a list, or of the list as it is.

    Parameters
    ----------
    listing : ListLoad
        The list.
    window : Window
        Rows outside it are dropped, at its edges; far outside it they mean that the API ignores periods.
    asked : bool
        Whether the API is asked for the window, or for the whole list.
    careful : bool
        PageRequest page after page, each from where the last one ended, instead of several at once.
    divisible : bool
        Whether a long list may be cut into windows instead.
    splits : int
        How often it was cut because it did not settle.
    before : WindowLoad, optional
        An earlier pass over the same rows: what it found counts, for rows do not vanish.

    Attributes
    ----------
    outcome : str
        What came of it.
    requests : deque of PageRequest
        Pages that can be asked for now, before those that the total has promised.
    rows, rows_before, rows_after : pyarrow.Table, int, int
        Of a loaded window: its different rows, and how many rows that came lay before and after it.
    """

    def __init__(
        self, list_load: ListLoad, window: Window, *, asked: bool = True, careful: bool = False,
        divisible: bool = True, splits: int = 0, before: WindowLoad | None = None,
    ) -> None:  # fmt: skip
        self.list_load = list_load
        self.endpoint = list_load.endpoint
        self.window = window
        self.asked = asked
        self.careful = careful
        self.divisible = divisible and self.endpoint.period_style in SLICED_STYLES
        self.splits = splits
        self.outcome: Outcome = "under way"
        self.requests: deque[PageRequest] = deque([PageRequest(self, 0, count_all=True)])
        self._promised = range(0)  # where further pages begin: a total is believed no further than they come
        self.batches: list[pa.RecordBatch] = list(before.batches) if before else []
        self.absent: frozenset[str] = before.absent if before else frozenset()
        self.total_before: int | None = None
        self.total_after: int | None = None
        self.first_time: dt.datetime | None = None
        self.rows = pa.table({})
        self.rows_before = self.rows_after = self.repeats = self.different = 0
        self._found_before = len(self.batches)
        self._waiting = 0
        self._last: PageRequest | None = None
        self.attempt = 1

    def parameters(self, request: PageRequest) -> list[tuple[str, str]]:
        """Return the parameters of a page, all but the access token."""
        period = []
        if self.asked:
            # Whether an API includes its ends is not known: where no operator says it, a second more is asked.
            asked, widened = self.window.asked(), self.window.asked(SECOND)
            period = period_parameters(self.endpoint.period_style, asked, widened)
        paging = [
            ("start", str(request.start)),
            ("limit", str(PAGE_ROWS)),
            ("total", "true" if request.count_all else "false"),
        ]
        return [*paging, *self.endpoint.parameters, *period]

    def next_request(self) -> PageRequest | None:
        """Return a page that can be asked for now, or None."""
        if self.requests:
            return self.requests.popleft()
        if not self._promised:
            return None
        start, self._promised = self._promised[0], self._promised[1:]
        return PageRequest(self, start, count_all=False)

    def receive(self, request: PageRequest, page: Page) -> None:
        """Check a page, keep its rows, and decide what to ask next."""
        check_envelope(self.endpoint, request.start, page)
        check_end(self.endpoint, request.start, self.total_before)
        self.batches.append(page.rows)
        self.absent |= page.absent
        if request.count_all and page.total is not None:
            self.total_after = page.total
        if self.shows_other_times(page.rows):
            self._end("period ignored")
        elif request.start == 0:
            self._begin(page)
        elif self.careful or self.total_after is None:
            self._step(request, page)
        elif page.count == 0 and self._promised:  # the total has lied, or rows are gone: the promise is not kept
            self._finish()
        else:
            self._waiting -= 1
            self._go_on(request, page)

    def refused(self, problem: BaseException) -> None:
        """Handle a refusal: the list may be gone, or it may want the period in other parameters."""
        if self.list_load.may_be_gone and type(problem) is RequestRefusedError and is_gone(problem):
            self.list_load.gone = True
            self._end("settled")
            return
        if not (self.asked and self.endpoint.other_styles and type(problem) is RequestRefusedError):
            raise problem
        self._end("period ignored")

    def drop(self) -> None:
        """Give up: pages that arrive later are ignored."""
        self._end("dropped")

    def _end(self, outcome: Outcome) -> None:
        self.requests.clear()
        self._promised = range(0)
        self.outcome = outcome

    def _begin(self, page: Page) -> None:
        """Look at the first page: it tells how long the list is."""
        self.total_before = page.total
        times = page.rows[time_column(self.endpoint.kind)]
        self.first_time = np.min(times.to_numpy()).astype(dt.datetime) if len(times) else None
        if page.total is not None and page.total > DEEP_ROWS and self.divisible:
            self.outcome = "too long"
        elif self.careful or page.total is None:
            self._step(PageRequest(self, 0, count_all=True), page)
        else:
            later = range(page.limit, page.total, page.limit)
            self._promised = later[:-1]
            self._waiting = len(later[:-1])
            self._last = PageRequest(self, later[-1], count_all=True) if later else None
            self._go_on(PageRequest(self, 0, count_all=True), page)

    def _go_on(self, request: PageRequest, page: Page) -> None:
        """PageRequest for the last page when all others are here: its total then counts every one of them."""
        if self._waiting > 0:
            return
        if self._last is not None:
            self.requests.append(self._last)
            self._waiting, self._last = 1, None
        elif page.count == page.limit and not self._turns_in_a_circle():
            self.requests.append(PageRequest(self, request.start + page.count, count_all=True))
            self._waiting = 1
        else:
            self._finish()

    def _step(self, request: PageRequest, page: Page) -> None:
        """Go on from where the page ended; only an empty page, or a short one where all are told, is the end."""
        reached = request.start + page.count
        told = self.total_after is None or reached >= self.total_after
        if page.count == 0 or (page.count < page.limit and told) or self._turns_in_a_circle():
            self._finish()
        else:
            self.requests.append(PageRequest(self, reached, count_all=True))

    def _finish(self) -> None:
        """Hold the different rows that came against the API's count, and keep those of the window."""
        self._promised = range(0)
        table = pa.Table.from_batches(self.batches)
        _, places = np.unique(table["ID"].to_numpy(), return_index=True)
        self.repeats, self.different = len(table) - len(places), len(places)
        if self.total_after not in (None, self.different) or self.lost_rows:
            self.outcome = "unsettled"
            return
        self.outcome = "settled"
        if self.repeats:
            table = table.take(np.sort(places))
        times = table[time_column(self.endpoint.kind)].to_numpy()
        early, late = self.window.outside(times)
        self.rows_before, self.rows_after = int(early.sum()), int(late.sum())
        self.rows = table.filter(pa.array(~(early | late))) if self.rows_before or self.rows_after else table
        self.batches = []

    @property
    def lost_rows(self) -> bool:
        """Whether rows were removed during the load: later rows then moved forward, and the next page missed some."""
        return (self.total_after or 0) < (self.total_before or 0)

    def shows_other_times(self, rows: pa.RecordBatch) -> bool:
        """Whether rows lie outside the asked period: then the API did not understand it."""
        if not self.asked:
            return False
        margin = dt.timedelta(days=2) if self.endpoint.period_style in BY_DAY else 2 * SECOND
        early, late = self.window.outside(rows[time_column(self.endpoint.kind)].to_numpy(), margin)
        return bool(early.any() or late.any())

    def _turns_in_a_circle(self) -> bool:
        """Whether the newest page repeats the one before it or the first: then the list has no end."""
        if len(self.batches) - self._found_before < 2:
            return False
        first, before, newest = (self.batches[place]["ID"].to_numpy() for place in (self._found_before, -2, -1))
        return bool(np.isin(newest, first).all() or np.isin(newest, before).all())
