"""The checks of a page: its counts, whose rows it holds, and whether its list can have an end."""

from __future__ import annotations

from impressions_analytics.api.endpoints import Endpoint
from impressions_analytics.errors import IncompleteLoadError, MalformedResponseError
from impressions_analytics.loader.decode import Page

MOST_ROWS = 10_000_000_000  # no account has so many
LONGEST_WALK_ROWS = 50_000_000  # of a list that cannot be cut: more of them do not fit into memory
GROWTH_ROWS = 100_000  # a list may double during the load, and grow by so much more; beyond that it has no end


def check_envelope(endpoint: Endpoint, start: int, page: Page) -> None:
    """Raise where a page contradicts itself, or what was asked.

    Raises
    ------
    MalformedResponseError
        It names the page, and what was expected.
    """
    where = f"{endpoint.path}, page at {start}"
    checks = {
        f"start is {page.start}, asked {start}": page.start == start,
        f"count is {page.count}, but {len(page.rows)} rows came": page.count == len(page.rows),
        f"limit is {page.limit} for {page.count} rows": page.limit >= page.count and (page.limit > 0 or not page.total),
        f"total is {page.total}": page.total is None or 0 <= page.total <= MOST_ROWS,
    }
    for problem, good in checks.items():
        if not good:
            raise MalformedResponseError(f"{where}: {problem}; no row of this load was kept")
    if endpoint.of is not None:
        column, number = endpoint.of
        others = page.rows[column].to_numpy()
        others = others[others != number]
        if len(others):
            raise MalformedResponseError(
                f"{where}: a row has {column} {others[0]}, asked for {number}; no row of this load was kept"
            )


def check_end(endpoint: Endpoint, start: int, total: int | None) -> None:
    """Raise when a list goes on far beyond the total of its first page, as it then seems to have no end.

    Raises
    ------
    IncompleteLoadError
        It names the place, and the total.
    """
    told = LONGEST_WALK_ROWS if total is None else 2 * total + GROWTH_ROWS
    if start > min(told, LONGEST_WALK_ROWS):
        counted = "no end was told" if total is None else f"{total:,} were counted at first"
        raise IncompleteLoadError(
            f"{endpoint.path}: rows still come at {start:,}, where {counted}: the list has no end that can be "
            "reached. Load a shorter period, or try again later"
        )
