"""Impressions that arrive while a client is paging: the reason why offsets skip and repeat rows."""

from __future__ import annotations

import numpy as np

from impressions_analytics.sandbox.answers import Call
from impressions_analytics.sandbox.plan import Plan
from impressions_analytics.sandbox.query import BadRequestError, Selection
from impressions_analytics.sandbox.tables import Values
from impressions_analytics.sandbox.views import ListView, Scope
from impressions_analytics.sandbox.world import World

PLACES = {"front": -1, "natural": 0, "end": 1}


class Arrivals:
    """Counts the lists of impressions that are asked for, and lets rows arrive before every so many of them."""

    def __init__(self, plan: Plan) -> None:
        self._random = plan.random(8)
        self.restart()

    def restart(self) -> None:
        """Start counting anew."""
        self._lists = 0
        self._arrived = 0

    def before(self, call: Call) -> None:
        """Let the rows arrive that are due before a list is answered."""
        behaviour = call.behaviour
        self._lists += 1
        count = behaviour.arrive_rows
        if behaviour.arrive_most is not None:
            count = min(count, behaviour.arrive_most - self._arrived)
        if count <= 0 or self._lists % behaviour.arrive_every:
            return
        try:
            scope = call.scope()
        except BadRequestError:
            return
        self._arrived += count
        there = call.views.rows(ListView("impressions", scope, Selection()))
        old = behaviour.arrive_timestamps == "old" and len(there)
        times = call.world.table("impressions").columns["timestamp"]
        timestamps = times[self._random.choice(there, count)] if old else newer(call.world, count)
        self.add(call.world, scope, timestamps, place=PLACES[behaviour.arrive_at])

    def add(self, world: World, scope: Scope, timestamps: Values, *, place: int = 0) -> None:
        """Let impressions of random destinations in the scope arrive."""
        first, last = (scope.first, scope.last) if scope.level != "account" else (0, len(world.destinations))
        world.add_impressions(self._random.integers(first, last, len(timestamps)), timestamps, place=place)


def newer(world: World, count: int) -> Values:
    """Return timestamps after all others, one second apart."""
    times = world.table("impressions").columns["timestamp"]
    return int(times.max(initial=world.plan.begin)) + 1 + np.arange(count)
