"""The class that users start: an address, a token, a behaviour, a record of requests, and the true data."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

import numpy as np

from impressions_analytics.sandbox import truths
from impressions_analytics.sandbox.access import Access
from impressions_analytics.sandbox.answers import find_scope
from impressions_analytics.sandbox.arrivals import newer
from impressions_analytics.sandbox.behaviour import Behaviour
from impressions_analytics.sandbox.http import Server
from impressions_analytics.sandbox.plan import Plan, seconds
from impressions_analytics.sandbox.record import Asked
from impressions_analytics.sandbox.service import AUTHENTICATE, Service
from impressions_analytics.sandbox.story import Story
from impressions_analytics.sandbox.tables import Values

DEFAULT_ACCESS_TOKEN = "sandbox-0123456789abcdef"  # noqa: S105  (opens nothing but the sandbox)


class Sandbox:
    """An imitation of Copernica's REST API on loopback, with invented data, that misbehaves on request.

    Use it in a ``with`` block, or call `start` and `stop`. The same arguments always give the same data; nothing
    but the expiry of a JWT depends on the clock.

    Parameters
    ----------
    impressions : int
        Impressions in each family; destinations, clicks and the rest come in proportion.
    seed : int
        The seed of all that is random.
    emailings : int
        Emailings in each family.
    port : int
        The port on 127.0.0.1; 0 takes a free one.
    first_day, last_day : str
        The days (YYYY-MM-DD) between which everything happens.
    access_token : str
        The one token that is accepted.
    story : Story, optional
        Invent a world whose readers are known instead; the number of impressions follows from it.
    **behaviour
        The fields of `Behaviour`.

    Examples
    --------
    >>> import urllib.request
    >>> with Sandbox(impressions=50, emailings=2) as box:
    ...     with urllib.request.urlopen(f"{box.url}/v2/identity?access_token={box.access_token}") as answer:
    ...         print(answer.status, box.requests)
    200 [Asked(method='GET', path='/v2/identity', query={}, status=200)]
    """

    def __init__(
        self,
        impressions: int = 10_000,
        *,
        seed: int = 1,
        emailings: int = 12,
        port: int = 0,
        first_day: str = "2025-09-15",
        last_day: str = "2026-06-27",
        access_token: str = DEFAULT_ACCESS_TOKEN,
        story: Story | None = None,
        **behaviour: Any,
    ) -> None:
        plan = Plan(impressions, emailings, seed, first_day, last_day, story=story)
        self._service = Service(plan, Access(access_token, seed), Behaviour(**behaviour))
        self._port = port
        self._server: Server | None = None

    def start(self) -> Sandbox:
        """Start serving; the data of Marketing Suite is invented now, so that the first request is not slow."""
        if self._server is None:
            self._service.views("ms").world.table("impressions")
            self._server = Server(self._service.handle, self._port)
            self._service.port = self._server.port
            self._service.wait = self._server.stopping.wait
        return self

    def stop(self) -> None:
        """Stop serving; no thread and no socket is left."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The address of the API, without a version."""
        if self._server is None:
            raise RuntimeError("the sandbox is not running; use it in a with block, or call start() first")
        return f"http://127.0.0.1:{self._server.port}"

    @property
    def auth_url(self) -> str:
        """The address where version 4 exchanges the access token for a JWT."""
        return f"{self.url}{AUTHENTICATE}"

    @property
    def access_token(self) -> str:
        """The one access token that is accepted."""
        return self._service.access.access_token

    @property
    def behaviour(self) -> Behaviour:
        """How the sandbox behaves now."""
        return self._service.behaviour

    def behave(self, **behaviour: Any) -> None:
        """Change the fields of `Behaviour` that are named; an outage and arriving rows start anew.

        Examples
        --------
        >>> box = Sandbox(impressions=10, emailings=1)
        >>> box.behave(order="reverse", faults={3: "503"})
        >>> box.behaviour.order
        'reverse'
        """
        self._service.behave(**behaviour)

    @property
    def requests(self) -> list[Asked]:
        """What was asked since the start or `clear_requests`, in order of arrival; the token is left out."""
        return self._service.record.asked

    def clear_requests(self) -> None:
        """Forget what was asked; request numbers start at 1 again."""
        self._service.record.clear()

    @property
    def peak_parallel(self) -> int:
        """The most requests that were under way at the same time."""
        return self._service.record.peak_parallel

    @property
    def tokens_elsewhere(self) -> int:
        """How many requests brought a token to the other host of a redirect; an honest client brings none."""
        return self._service.record.tokens_elsewhere

    def truth(self, kind: str = "impressions", family: str = "ms") -> list[dict[str, Any]]:
        """Return all rows of a kind, in ID order, as dictionaries of int, str and None.

        In a world with a story the kind ``"reads"`` tells which messages were really read.

        They hold every column that any version or level sends, under one name each (``mailing``, ``useragent``);
        a complaint's ``report`` is a dictionary, ``success`` a boolean, and a destination also has its ``hash``.

        Examples
        --------
        >>> [row["ID"] for row in Sandbox(impressions=0, emailings=3).truth("emailings")]
        [401, 402, 403]
        """
        with self._service.data:
            return truths.records(self._service.views(family).world, kind, family)

    def truth_columns(self, kind: str = "impressions", family: str = "ms") -> dict[str, Values]:
        """Return the same as arrays: int64 in which -1 is null, datetime64[s], and objects for text.

        Examples
        --------
        >>> columns = Sandbox(impressions=10, emailings=1).truth_columns()
        >>> columns["timestamp"].dtype, len(columns["ID"])
        (dtype('<M8[s]'), 10)
        """
        with self._service.data:
            return truths.columns(self._service.views(family).world, kind, family)

    def add_impressions(
        self,
        count: int,
        *,
        timestamps: Sequence[str] | None = None,
        emailing: int | None = None,
        destination: int | None = None,
        family: str = "ms",
    ) -> list[int]:
        """Let impressions arrive now, one second apart after all others unless timestamps are given.

        Parameters
        ----------
        count : int
            How many.
        timestamps : sequence of str, optional
            When each happened (``YYYY-MM-DD HH:MM:SS``); an old time makes a late row.
        emailing, destination : int, optional
            To which emailing or destination they belong; otherwise to any.
        family : {"ms", "publisher"}
            To which family they belong.

        Returns
        -------
        list of int
            Their IDs, the highest so far.

        Examples
        --------
        >>> box = Sandbox(impressions=0, emailings=1)
        >>> box.add_impressions(2, timestamps=["2026-01-01 09:00:00", "2025-12-31 23:00:00"], destination=112)
        [1, 2]
        >>> [(row["timestamp"], row["destination"]) for row in box.truth()]
        [('2026-01-01 09:00:00', 112), ('2025-12-31 23:00:00', 112)]
        """
        level, number = ("emailing", emailing) if emailing else ("destination", destination)
        with self._service.data:
            world = self._service.views(family).world
            scope = find_scope(world, level if number else "account", str(number))
            times = newer(world, count) if timestamps is None else np.array([seconds(text) for text in timestamps])
            if len(times) != count:
                raise ValueError(f"{len(times)} timestamps were given for {count} impressions")
            before = len(world.table("impressions"))
            self._service.arrivals.add(world, scope, times.astype(np.int64))
            ids: list[int] = world.table("impressions").columns["ID"][before:].tolist()
            return ids
