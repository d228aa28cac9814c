"""Where an archive's rows come from: the loaders, behind a seam that a test can fill with rows of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from impressions_analytics.archive.periods import split_months
from impressions_analytics.columns import EVENT_KINDS, Family, Kind

if TYPE_CHECKING:
    import pandas as pd


NO_DATE_BEFORE = datetime(2000, 1, 1)
"""Nobody mailed through Copernica before: an emailing that is dated 1970 or earlier has no date."""


class RowSource(Protocol):
    """Gives typed frames with a certificate in ``attrs["load"]``."""

    def rows(self, kind: Kind, *, emailing: int | None, begin: datetime, end: datetime) -> Iterator[pd.DataFrame]:
        """Give frames for consecutive periods that together are ``begin <= time < end``, in time order."""

    def first_moment(self, emailing: int | None, *, end: datetime) -> datetime | None:
        """Say when an emailing, or the first emailing of the account, was sent; None when there is none."""

    def total(self, kind: Kind, begin: datetime, end: datetime, *, expected: int) -> int | None:
        """Say how many rows of a kind the account has in a period; None when that is not known."""


class LoaderSource:
    """The loaders, for one account and family.

    Parameters
    ----------
    api : Copernica or None
        How to reach the account; from the environment when None.
    family : str
        The product family.
    rows_per_frame : int
        How many rows are in memory, and at risk of a crash, at a time.
    """

    def __init__(self, api: Any, family: Family, *, rows_per_frame: int = 200_000) -> None:
        self._api = api
        self._rows_per_frame = rows_per_frame
        self._family: Family = family
        self._emailings: pd.DataFrame | None = None

    def rows(self, kind: Kind, *, emailing: int | None, begin: datetime, end: datetime) -> Iterator[pd.DataFrame]:
        """Give frames for consecutive periods that together are ``begin <= time < end``, in time order."""
        from impressions_analytics import loader

        if kind in EVENT_KINDS:
            yield from loader.iter_events(
                kind,
                self._api,
                family=self._family,
                emailing=emailing,
                begin=begin,
                end=end,
                rows_per_frame=self._rows_per_frame,
                progress=False,
            )
            return
        load = loader.load_destinations if kind == "destinations" else loader.load_emailings
        of = {"emailing": emailing} if kind == "destinations" else {}
        # The account's destinations are many; those of one emailing are one list, which cannot be asked by period.
        in_parts = kind == "destinations" and emailing is None
        for start, stop in split_months((begin, end)) if in_parts else [(begin, end)]:
            frame = load(self._api, family=self._family, begin=start, end=stop, progress=False, **of)
            frame.attrs["load"] = {**frame.attrs["load"], "begin": str(start), "end": str(stop)}
            yield frame

    def first_moment(self, emailing: int | None, *, end: datetime) -> datetime | None:
        """Say when an emailing, or the first emailing of the account, was sent; None when there is none.

        An emailing without a date, which the API gives as one of 1970, is passed over.
        """
        from impressions_analytics.loader.mailings import load_emailings

        if self._emailings is None:
            self._emailings = load_emailings(self._api, family=self._family, end=end, progress=False)
        dated = self._emailings[self._emailings["timestamp"] >= NO_DATE_BEFORE]
        own = dated if emailing is None else dated[dated["ID"] == emailing]
        known = emailing is None or (self._emailings["ID"] == emailing).any()
        sent = dated if own.empty and known else own  # events of an emailing without a date may lie anywhere
        return None if sent.empty else sent["timestamp"].min().to_pydatetime()

    def total(self, kind: Kind, begin: datetime, end: datetime, *, expected: int) -> int | None:
        """Say how many rows of a kind the account has in a period; None when that is not known.

        One cheap call when the API's own total is what is expected. It may count the seconds at the edges too, so that
        only loading the period can tell when it is not.
        """
        from impressions_analytics.loader.load import iter_events
        from impressions_analytics.loader.totals import plan_load

        if kind not in EVENT_KINDS:
            return None
        if plan_load(self._api, kind=kind, family=self._family, begin=begin, end=end).rows == expected:
            return expected
        frames = iter_events(kind, self._api, family=self._family, begin=begin, end=end, progress=False)
        return sum(len(frame) for frame in frames)
