"""The invented account: emailings, destinations and every kind of event, grown from a seed and consistent."""

from __future__ import annotations

from collections.abc import Callable

from impressions_analytics.sandbox import events
from impressions_analytics.sandbox.plan import Plan, sendings
from impressions_analytics.sandbox.story import story_sendings
from impressions_analytics.sandbox.tables import RowTable, Values


class World:
    """One family's data; a kind of event is drawn when it is first asked for, whatever was asked before it.

    Examples
    --------
    >>> world = World(Plan(impressions=100, emailings=3, seed=1))
    >>> len(world.table("impressions")), len(world.table("emailings"))
    (100, 3)
    >>> world.table("emailings").columns["ID"].tolist()
    [401, 402, 403]
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.emailings, self.destinations = story_sendings(plan, plan.story) if plan.story else sendings(plan)
        self._tables = {"emailings": self.emailings, "destinations": self.destinations}
        self._additions = 0

    def table(self, kind: str) -> RowTable:
        """Return the table of a kind of event, of the destinations or of the emailings, in ID order."""
        if kind not in KINDS:
            raise ValueError(f"kind is {kind!r}; it can be one of {', '.join(KINDS)}")
        if kind not in self._tables:
            opens = (self.table("impressions"),) if kind == "clicks" else ()
            self._tables[kind] = _DRAW[kind](self.plan, self.destinations, *opens)
        return self._tables[kind]

    def add_impressions(self, destination: Values, timestamp: Values, *, place: int = 0) -> None:
        """Let impressions arrive: place -1 is the front of every order, 1 the end, 0 where they belong."""
        opens = self.table("impressions")
        last = int(opens.columns["ID"][-1]) if len(opens) else 0
        columns = events.arriving(self.plan, last, destination, timestamp, self._additions)
        self._additions += 1
        opens.append({**columns, "place": columns["ID"] * place})


_DRAW: dict[str, Callable[..., RowTable]] = {
    kind.__name__: kind
    for kind in (
        events.impressions, events.clicks, events.deliveries, events.errors, events.abuses, events.unsubscribes,
    )
}  # fmt: skip
KINDS = (*_DRAW, "destinations", "emailings")
EVENT_KINDS = tuple(_DRAW)
