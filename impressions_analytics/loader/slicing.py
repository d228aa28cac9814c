"""A list of any length is loaded in windows of time, each proven complete, in the order of time.

A long list is cut into windows of time, so that no request needs a large offset. The cuts are guesses; the API's totals
prove them. A window that is not complete is loaded again, then page after page, then cut. If that fails too, the
load fails.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace

from impressions_analytics.api.endpoints import BY_DAY
from impressions_analytics.api.fetching import Fetcher
from impressions_analytics.api.session import Transport
from impressions_analytics.api.windows import LATEST, Window, midnight
from impressions_analytics.errors import IncompleteLoadError, MalformedResponseError, RequestRefusedError
from impressions_analytics.loader.decode import Decoder, NotJsonError
from impressions_analytics.loader.progress import Progress
from impressions_analytics.loader.window_load import FULL_ROWS, PAGE_ROWS, ListLoad, PageRequest, WindowLoad

MOST_ATTEMPTS = 4  # the first at full speed, the others page after page, keeping what was found
MOST_SPLITS = 2  # cuts of a window that does not settle: a total that lies would be cut to seconds
MOST_BODIES = 4  # times that a page is asked again when its body is not whole JSON
MOST_FAULTS = 1  # times that a page is asked again when its envelope or a row does not add up
MOST_PARTS = 1000  # windows that a list is cut into at once; those still too long are cut again
LOOK_AHEAD = 2  # windows open at once per connection


@dataclass(frozen=True, slots=True)
class Slicer:
    """Loads lists, window by window."""

    transport: Transport
    decoder: Decoder
    connections: int
    now: dt.datetime
    progress: Progress

    def settled(self, list_loads: list[ListLoad]) -> Iterator[WindowLoad]:
        """Give the loaded windows of all lists, each complete: list after list, in the order of time.

        Raises
        ------
        IncompleteLoadError
            When a window, or all windows of a list together, cannot be proven whole.
        MalformedResponseError
            When the API answers what it does not document.
        """
        yield from self._in_turn(
            [WindowLoad(list_load, list_load.window, asked=list_load.asks_for_period) for list_load in list_loads]
        )
        for list_load in list_loads:
            if list_load.whole is not None and list_load.held < list_load.whole:
                raise IncompleteLoadError(
                    f"{list_load.endpoint.path}, {list_load.window}: the API counts {list_load.whole} rows, but its "
                    f"windows held only {list_load.held}: rows are gone, or its counts do not agree. Try again later"
                )

    def _in_turn(self, window_loads: list[WindowLoad]) -> Iterator[WindowLoad]:
        """Run the loads of windows over the network, and give the first one as soon as it is complete."""
        with Fetcher[PageRequest](self.connections) as fetcher:
            while window_loads:
                for window_load in window_loads[: LOOK_AHEAD * self.connections]:
                    while fetcher.has_room and (request := window_load.next_request()) is not None:
                        self._send(fetcher, request)
                reached = self._receive(fetcher)
                if reached is not None and reached.outcome not in ("under way", "settled"):
                    self._replace(window_loads, reached)
                while window_loads and window_loads[0].outcome == "settled":
                    window_load = window_loads.pop(0)
                    window_load.list_load.add(window_load)
                    yield window_load

    def _receive(self, fetcher: Fetcher[PageRequest]) -> WindowLoad | None:
        """Give the next answer to the window that asked for it, and return that window. Its bytes are freed first."""
        request, outcome = fetcher.next()
        if request.window_load.outcome != "under way":
            return None
        if isinstance(outcome, bytes):
            self._take_in(fetcher, request, outcome)
        else:
            request.window_load.refused(outcome)
        return request.window_load

    def _send(self, fetcher: Fetcher[PageRequest], request: PageRequest) -> None:
        path, parameters = request.window_load.endpoint.path, request.window_load.parameters(request)
        again, before_large = request.bodies, fetcher.before_large
        fetcher.submit(request, lambda: self.transport.get(path, parameters, again=again, before_large=before_large))

    def _take_in(self, fetcher: Fetcher[PageRequest], request: PageRequest, body: bytes) -> None:
        """Give a body to the window that asked for it.

        A body that is not JSON was cut on its way, and is asked for again. A page that does not add up is asked for
        once more: a fault that passes must not cost a night's load.
        """
        try:
            page = self.decoder.decode(body, page=request.start // PAGE_ROWS)
            request.window_load.receive(request, page)
        except NotJsonError:
            if request.bodies + 1 >= MOST_BODIES or not self.transport.has_patience(request.bodies + 1):
                raise
            self._send(fetcher, replace(request, bodies=request.bodies + 1))
        except RequestRefusedError as refused:
            request.window_load.refused(refused)
        except MalformedResponseError:
            if request.faults >= MOST_FAULTS or not self.transport.has_patience(1):
                raise
            self._send(fetcher, replace(request, bodies=max(request.bodies, 1), faults=request.faults + 1))
        else:
            if request.start == 0 and request.window_load.list_load.whole is None and request.window_load.attempt == 1:
                self.progress.expect(page.total or 0)
            self.progress.add(page.count)

    def _replace(self, window_loads: list[WindowLoad], window_load: WindowLoad) -> None:
        """Replace the load of a window that did not succeed by one, or several, that may."""
        place = window_loads.index(window_load)
        match window_load.outcome:
            case "period ignored":
                window_loads[place] = _asked_otherwise(window_load.list_load)
                for other in [
                    one
                    for one in window_loads
                    if one.list_load is window_load.list_load and one is not window_loads[place]
                ]:
                    other.drop()
                    window_loads.remove(other)
            case "too long":
                if window_load.list_load.whole is None:
                    window_load.list_load.whole = window_load.total_before
                window_loads[place : place + 1] = self._cut(
                    window_load, parts=min(MOST_PARTS, -(-(window_load.total_before or 0) // FULL_ROWS))
                )
            case _:
                window_loads[place : place + 1] = self._another_try(window_load)

    def _another_try(self, window_load: WindowLoad) -> list[WindowLoad]:
        if window_load.attempt < MOST_ATTEMPTS:
            # Rows are gone, as the API counts fewer than came or than it did before: start from nothing.
            gone = window_load.lost_rows or window_load.different > (window_load.total_after or 0)
            before = None if gone else window_load
            again = WindowLoad(
                window_load.list_load, window_load.window,
                asked=window_load.asked, careful=True, divisible=window_load.divisible, splits=window_load.splits,
                before=before,
            )  # fmt: skip
            again.attempt = window_load.attempt + 1
            return [again]
        if window_load.splits < MOST_SPLITS and window_load.divisible:
            return self._cut(window_load, parts=2, splits=window_load.splits + 1)
        raise IncompleteLoadError(
            f"{window_load.endpoint.path}, {window_load.window}: the API counts {window_load.total_after} rows, but "
            f"{window_load.different} different ones came, after {window_load.attempt} tries. Rows may be arriving "
            "faster than they can be read: try again later, or load a period that has ended"
        )

    def _cut(self, window_load: WindowLoad, *, parts: int, splits: int = 0) -> list[WindowLoad]:
        """Cut a window into smaller ones; the rows seen so far tell where they may begin."""
        begin, end = window_load.window.begin, window_load.window.end
        behind = []
        if not window_load.window.ends and begin < self.now:
            end = self.now
            behind = [Window(end, LATEST)]  # what arrives meanwhile, or comes from a clock that is ahead
        windows = []
        by_day = window_load.endpoint.period_style in BY_DAY
        first = window_load.first_time
        if first is not None and by_day:
            first = midnight(first)
        if not window_load.window.begins and first is not None and begin < first < end:
            windows.append(Window(begin, first))
            begin = first
        windows += [*Window(begin, end).cut(max(2, parts), by_day=by_day), *behind]
        return [WindowLoad(window_load.list_load, part, divisible=len(windows) > 1, splits=splits) for part in windows]


def _asked_otherwise(list_load: ListLoad) -> WindowLoad:
    """Return a new load for a list that ignored its period: with other parameters, or of the whole list."""
    if list_load.windows:
        raise MalformedResponseError(
            f"{list_load.endpoint.path}: the API keeps to the asked period in some answers and not in others"
        )
    list_load.whole = None
    if list_load.endpoint.other_styles:
        list_load.ask_otherwise()
        return WindowLoad(list_load, list_load.window, asked=list_load.asks_for_period)
    list_load.period_ignored = True
    return WindowLoad(list_load, list_load.window, asked=False, divisible=False)
