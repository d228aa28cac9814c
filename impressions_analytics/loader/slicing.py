"""A list of any length -> walks that are each proven whole, in the order of time.

A long list is cut into windows of time, so that no request needs a large offset. The cuts are guesses; the API's totals
prove them. A window that does not settle is walked again, then page after page, then cut, and then fails the load.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from impressions_analytics.api.fetching import Fetcher
from impressions_analytics.api.session import Transport
from impressions_analytics.api.windows import LATEST, Window
from impressions_analytics.errors import IncompleteLoadError, MalformedResponseError
from impressions_analytics.loader.decode import Decoder, NotJsonError
from impressions_analytics.loader.progress import Progress
from impressions_analytics.loader.walk import FULL_ROWS, PAGE_ROWS, Ask, Listing, Walk

MOST_ATTEMPTS = 4  # the first at full speed, the others page after page, keeping what was found
MOST_SPLITS = 2  # cuts of a window that does not settle: a total that lies would be cut to seconds
MOST_BODIES = 4  # times that a page is asked again when its body is not whole JSON
LOOK_AHEAD = 2  # windows open at once per connection


@dataclass(frozen=True, slots=True)
class _Errand:
    """One page being fetched: for which walk, and how many bodies of it could not be read so far."""

    walk: Walk
    ask: Ask
    bodies: int = 0


@dataclass(frozen=True, slots=True)
class Slicer:
    """Walks lists; holds everything that this needs."""

    transport: Transport
    decoder: Decoder
    connections: int
    now: dt.datetime
    progress: Progress

    def settled(self, listings: list[Listing]) -> Iterator[Walk]:
        """Give the walks that together are the lists, each settled, list after list in the order of time.

        Raises
        ------
        IncompleteLoadError
            When a window, or all windows of a list together, cannot be proven whole.
        MalformedResponseError
            When the API answers what it does not document.
        """
        yield from self._in_turn([Walk(listing, listing.window, asked=listing.bounded) for listing in listings])
        for listing in listings:
            if listing.whole is not None and listing.held < listing.whole:
                raise IncompleteLoadError(
                    f"{listing.endpoint.path}, {listing.window}: the API counts {listing.whole} rows, but its windows "
                    f"held only {listing.held}: rows are gone, or its counts do not agree. Try again later"
                )

    def _in_turn(self, walks: list[Walk]) -> Iterator[Walk]:
        """Drive walks over the network; give out the first whenever it is settled."""
        with Fetcher[_Errand](self.connections) as fetcher:
            while walks:
                for walk in walks[: LOOK_AHEAD * self.connections]:
                    while walk.asks and fetcher.has_room:
                        self._send(fetcher, _Errand(walk, walk.asks.popleft()))
                errand, outcome = fetcher.next()
                if errand.walk.outcome != "under way":
                    continue
                if isinstance(outcome, bytes):
                    self._take_in(fetcher, errand, outcome)
                else:
                    errand.walk.refused(outcome)
                if errand.walk.outcome not in ("under way", "settled"):
                    self._replace(walks, errand.walk)
                while walks and walks[0].outcome == "settled":
                    walk = walks.pop(0)
                    walk.listing.add(walk)
                    yield walk

    def _send(self, fetcher: Fetcher[_Errand], errand: _Errand) -> None:
        path, parameters = errand.walk.endpoint.path, errand.walk.parameters(errand.ask)
        fetcher.submit(errand, lambda: self.transport.get(path, parameters, again=errand.bodies))

    def _take_in(self, fetcher: Fetcher[_Errand], errand: _Errand, body: bytes) -> None:
        """Give a body to its walk; a body that is not JSON was cut on its way, and is asked for again."""
        try:
            page = self.decoder.decode(body, page=errand.ask.start // PAGE_ROWS)
        except NotJsonError:
            if errand.bodies + 1 >= MOST_BODIES or not self.transport.has_patience(errand.bodies + 1):
                raise
            self._send(fetcher, _Errand(errand.walk, errand.ask, errand.bodies + 1))
        else:
            errand.walk.receive(errand.ask, page)
            if errand.ask.start == 0 and errand.walk.listing.whole is None and errand.walk.attempt == 1:
                self.progress.expect(page.total or 0)
            self.progress.add(page.count)

    def _replace(self, walks: list[Walk], walk: Walk) -> None:
        """Put in the place of a walk that did not settle what may settle instead."""
        place = walks.index(walk)
        match walk.outcome:
            case "period ignored":
                walks[place] = _asked_otherwise(walk.listing)
                for other in [one for one in walks if one.listing is walk.listing and one is not walks[place]]:
                    other.drop()
                    walks.remove(other)
            case "too long":
                if walk.listing.whole is None:
                    walk.listing.whole = walk.total_before
                walks[place : place + 1] = self._cut(walk, parts=-(-(walk.total_before or 0) // FULL_ROWS))
            case _:
                walks[place : place + 1] = self._another_try(walk)

    def _another_try(self, walk: Walk) -> list[Walk]:
        if walk.attempt < MOST_ATTEMPTS:
            # Rows are gone, as the API counts fewer than came or than it did before: start from nothing.
            gone = walk.lost_rows or walk.different > (walk.total_after or 0)
            before = None if gone else walk
            again = Walk(
                walk.listing, walk.window,
                asked=walk.asked, careful=True, divisible=walk.divisible, splits=walk.splits, before=before,
            )  # fmt: skip
            again.attempt = walk.attempt + 1
            return [again]
        if walk.splits < MOST_SPLITS and walk.divisible:
            return self._cut(walk, parts=2, splits=walk.splits + 1)
        raise IncompleteLoadError(
            f"{walk.endpoint.path}, {walk.window}: the API counts {walk.total_after} rows, but {walk.different} "
            f"different ones came, after {walk.attempt} tries. Rows may be arriving faster than they can be read: "
            "try again later, or load a period that has ended"
        )

    def _cut(self, walk: Walk, *, parts: int, splits: int = 0) -> list[Walk]:
        """Cut a walk into windows; what was seen of it tells where rows may begin."""
        begin, end = walk.window.begin, walk.window.end
        behind = []
        if not walk.window.ends and begin < self.now:
            end = self.now
            behind = [Window(end, LATEST)]  # what arrives meanwhile, or comes from a clock that is ahead
        windows = []
        if not walk.window.begins and walk.first_time is not None and begin < walk.first_time < end:
            windows.append(Window(begin, walk.first_time))
            begin = walk.first_time
        windows += [*Window(begin, end).cut(max(2, parts)), *behind]
        return [Walk(walk.listing, part, divisible=len(windows) > 1, splits=splits) for part in windows]


def _asked_otherwise(listing: Listing) -> Walk:
    """Return the walk for a list that did not keep to its period: asked in another style, or asked whole."""
    if listing.windows:
        raise MalformedResponseError(
            f"{listing.endpoint.path}: the API keeps to the asked period in some answers and not in others"
        )
    listing.whole = None
    if listing.endpoint.other_styles:
        listing.ask_otherwise()
        return Walk(listing, listing.window, asked=listing.bounded)
    listing.period_ignored = True
    return Walk(listing, listing.window, asked=False, divisible=False)
