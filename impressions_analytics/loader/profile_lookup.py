"""Whose message was it: profile and subprofile of events that come without them, from the destinations."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from impressions_analytics.api.endpoints import destinations_endpoint
from impressions_analytics.api.session import Transport
from impressions_analytics.api.windows import EARLIEST, LATEST, Window
from impressions_analytics.columns import Family
from impressions_analytics.errors import AccessDeniedError, RequestRefusedError
from impressions_analytics.loader.decode import Decoder, build_frame
from impressions_analytics.loader.progress import Progress
from impressions_analytics.loader.slicing import Slicer
from impressions_analytics.loader.window_load import ListLoad

_GONE = re.compile(
    r"unknown|not (?:be )?found|no such|does ?n[o']t exist|invalid (?:id|emailing|mailing)|deleted", re.I
)


class ProfileLookup:
    """Looks destinations up, each emailing once for as long as a load lasts."""

    def __init__(self, transport: Transport, family: Family, connections: int, now: dt.datetime) -> None:
        self._transport = transport
        self._family: Family = family
        self._connections = connections
        self._now = now
        self._known: set[int] = set()
        self._destinations = build_frame(Decoder("destinations", family), [])

    def fill(self, frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
        """Return the frame with profile and subprofile of its destinations, and how many rows matched one.

        Only rows without any owner are filled. A destination that the API does not know any more leaves nulls, and is
        counted as unmatched.
        """
        ownerless = (frame["profile"].isna() & frame["subprofile"].isna()).to_numpy()
        wanted = set(frame.loc[ownerless, "mailing"].unique().tolist()) - self._known
        if wanted:
            self._destinations = pd.concat([self._destinations, *self._load(wanted)]).drop_duplicates("ID")
            self._destinations = self._destinations.sort_values("ID")
            self._known |= wanted
        known = self._destinations["ID"].to_numpy()
        asked = frame["destination"].to_numpy()
        place = np.searchsorted(known, asked)
        found = place < len(known)
        found[found] = known[place[found]] == asked[found]
        found &= ownerless
        filled = frame.copy(deep=False)
        for name in ("profile", "subprofile"):
            values = frame[name].array.copy()
            values[found] = self._destinations[name].array[place[found]]
            filled[name] = values
        return filled, {"matched": int(found.sum()), "unmatched": int((ownerless & ~found).sum())}

    def _load(self, emailings: Iterable[int]) -> list[pd.DataFrame]:
        """Load the destinations of emailings at once, or, where one of them is gone, one after another."""
        wanted = sorted(emailings)
        try:
            return [self._destinations_of(wanted)]
        except RequestRefusedError as refused:
            # Only an emailing that is gone may leave nulls: any other refusal would pass for one.
            if isinstance(refused, AccessDeniedError) or not _GONE.search(str(refused)):
                raise
            if len(wanted) == 1:
                return []
        return [frame for emailing in wanted for frame in self._load([emailing])]

    def _destinations_of(self, emailings: list[int]) -> pd.DataFrame:
        decoder = Decoder("destinations", self._family)
        slicer = Slicer(self._transport, decoder, self._connections, self._now, Progress(False))
        list_loads = [
            ListLoad(
                destinations_endpoint(family=self._family, emailing=str(emailing)), Window(EARLIEST, LATEST), False
            )
            for emailing in emailings
        ]
        return build_frame(decoder, [window_load.rows for window_load in slicer.settled(list_loads)])
