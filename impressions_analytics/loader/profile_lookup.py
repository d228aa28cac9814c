"""Fill in profile and subprofile of events that come without them, from the destinations."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from impressions_analytics.api.endpoints import destinations_endpoint
from impressions_analytics.api.session import Transport
from impressions_analytics.api.windows import EARLIEST, LATEST, Window
from impressions_analytics.columns import Family
from impressions_analytics.loader.decode import Decoder, build_frame
from impressions_analytics.loader.progress import Progress
from impressions_analytics.loader.slicing import Slicer
from impressions_analytics.loader.window_load import ListLoad


class ProfileLookup:
    """Looks destinations up, each emailing once for as long as a load lasts.

    Attributes
    ----------
    gone : set of int
        Emailings that the API does not know any more; the recipients of their messages stay unknown.
    """

    def __init__(self, transport: Transport, family: Family, connections: int, now: dt.datetime) -> None:
        self._transport = transport
        self._family: Family = family
        self._connections = connections
        self._now = now
        self._known: set[int] = set()
        self.gone: set[int] = set()
        self._destinations = build_frame(Decoder("destinations", family), [])

    def fill(self, frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
        """Return the frame with profile and subprofile of its destinations, and how many rows matched one.

        Only rows that have neither profile nor subprofile are filled. A destination that the API no longer knows leaves
        nulls, and is counted as unmatched.
        """
        ownerless = (frame["profile"].isna() & frame["subprofile"].isna()).to_numpy()
        wanted = set(frame.loc[ownerless, "mailing"].unique().tolist()) - self._known
        if wanted:
            self._destinations = pd.concat([self._destinations, self._load(sorted(wanted))]).drop_duplicates("ID")
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

    def _load(self, emailings: list[int]) -> pd.DataFrame:
        """Load the destinations of emailings. An emailing that no longer exists is noted and has none."""
        decoder = Decoder("destinations", self._family)
        slicer = Slicer(self._transport, decoder, self._connections, self._now, Progress(False))
        list_loads = {
            emailing: ListLoad(
                destinations_endpoint(family=self._family, emailing=str(emailing)), Window(EARLIEST, LATEST), False,
                may_be_gone=True,
            )
            for emailing in emailings
        }  # fmt: skip
        settled = list(slicer.settled(list(list_loads.values())))
        self.gone |= {emailing for emailing, list_load in list_loads.items() if list_load.gone}
        return build_frame(decoder, [one.rows for one in settled if not one.list_load.gone])
